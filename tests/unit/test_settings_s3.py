"""Settings of S3: what can never be right is refused at the start."""

import pytest
from botocore.config import Config
from pydantic import ValidationError

from dataflow.errors import Misconfigured
from dataflow.s3 import client_arguments
from dataflow.settings import Settings, read_settings

EXPECTED = (
    "expected 3 to 63 of a-z, 0-9, hyphens and single dots, with a letter or digit first and last, no IP "
    "address and no name that Amazon reserves; or the ARN of an access point"
)
A_CLASS = "expected a storage class that the server knows, such as STANDARD_IA"


@pytest.mark.parametrize(
    "name", ["abc", "my.logs-2026", "a" * 63, "1.2.3", "arn:aws:s3:eu-west-1:123456789012:accesspoint/logs"]
)
def test_names_that_a_bucket_can_have_are_taken(name):
    """And access points, which stand where a bucket does."""
    assert Settings(s3_bucket=name).s3_bucket == name


@pytest.mark.parametrize(
    "name",
    [
        "ab", "a" * 64, "Logs", "my_logs", "my logs", "logs/2026", "-logs", "logs-", ".logs", "logs.",
        "my..logs", "192.168.5.4", "xn--logs", "sthree-logs", "logs-s3alias", "logs--ol-s3", "logs\n",
        "s3://logs", "löcher", "arn:aws:s3:::logs", "https://logs.s3.amazonaws.com",
    ],
)  # fmt: skip
def test_names_that_no_bucket_can_have_are_refused_at_the_start(monkeypatch, name):
    """They were told only as an outage of S3, again and again."""
    monkeypatch.setenv("DATAFLOW_S3_BUCKET", name)
    with pytest.raises(Misconfigured) as told:
        read_settings()
    assert str(told.value) == f"DATAFLOW_S3_BUCKET is '{name}'; {EXPECTED}"


def test_other_settings_of_s3_are_told_with_what_was_expected(monkeypatch):
    """A key for nothing, too."""
    given = {
        "ADDRESSING": "host", "CA_FILE": "/nowhere.pem", "CHECKSUMS": "never", "ENCRYPTION": "rot13",
        "KMS_KEY": "alias/logs", "STORAGE_CLASS": "cold storage",
    }  # fmt: skip
    for name, value in given.items():
        monkeypatch.setenv(f"DATAFLOW_S3_{name}", value)
    with pytest.raises(Misconfigured) as told:
        read_settings()
    assert str(told.value).splitlines() == [
        "DATAFLOW_S3_ADDRESSING is 'host'; expected path or virtual",
        "DATAFLOW_S3_CA_FILE is '/nowhere.pem'; expected a file that exists",
        "DATAFLOW_S3_CHECKSUMS is 'never'; expected when_supported or when_required",
        "DATAFLOW_S3_ENCRYPTION is 'rot13'; expected AES256, aws:kms or aws:kms:dsse",
        "DATAFLOW_S3_KMS_KEY is set; expected aws:kms or aws:kms:dsse for DATAFLOW_S3_ENCRYPTION",
        f"DATAFLOW_S3_STORAGE_CLASS is 'cold storage'; {A_CLASS}",
    ]


@pytest.mark.parametrize(
    ("chosen", "style", "checksums"),
    [
        ({}, None, "when_supported"),
        ({"s3_endpoint": "http://minio:9000"}, {"addressing_style": "path"}, "when_required"),
        (
            {
                "s3_endpoint": "http://minio:9000",
                "s3_addressing": "virtual",
                "s3_checksums": "when_supported",
            },
            {"addressing_style": "virtual"},
            "when_supported",
        ),
    ],
)
def test_a_server_of_ones_own_is_asked_for_less_than_amazon(chosen, style, checksums):
    """Unless somebody says otherwise; the inputs ask as the sink does."""
    config = client_arguments(Settings(**chosen), Config, 1)["config"]
    assert config.s3 == style
    assert config.request_checksum_calculation == config.response_checksum_validation == checksums


def test_a_setting_that_is_made_in_code_is_checked_too():
    """Not only what the environment says."""
    with pytest.raises(ValidationError):
        Settings(s3_bucket="Logs")
