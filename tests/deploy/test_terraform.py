"""Terraform: modules are formatted, and each variable is described and used."""

import re
import shutil
import subprocess

import pytest
from deploy.manifests import K8S

MODULES = sorted(path for path in (K8S / "terraform").iterdir() if path.is_dir())


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_a_module_is_formatted(module):
    """Providers are not at hand everywhere: that is as far as it goes without them."""
    if shutil.which("terraform") is None:
        pytest.skip(
            "terraform is not installed; to run this: https://developer.hashicorp.com/terraform/install"
        )
    done = subprocess.run(
        ["terraform", "fmt", "-check", "-diff", "-recursive", str(module)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_every_variable_is_described_and_used(module):
    """A variable that nothing reads would be set in vain."""
    text = "\n".join(path.read_text() for path in sorted(module.glob("*.tf")))
    variables = dict(re.findall(r'^variable "(\w+)" \{\n(.*?)^\}', text, re.MULTILINE | re.DOTALL))
    used = set(
        re.findall(
            r"\bvar\.(\w+)", re.sub(r'^variable "\w+" \{\n.*?^\}', "", text, flags=re.MULTILINE | re.DOTALL)
        )
    )
    assert used == variables.keys()
    assert all("description" in body for body in variables.values())
    outputs = re.findall(r'^output "\w+" \{\n(.*?)^\}', text, re.MULTILINE | re.DOTALL)
    assert all("description" in body for body in outputs)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_a_bucket_with_rules_has_a_key(module):
    """The provider writes them by S3: `access_key and secret_key are required`, when the cluster is there."""
    text = (module / "main.tf").read_text()
    buckets = re.findall(
        r'^resource "linode_object_storage_bucket" "\w+" \{\n(.*?)^\}', text, re.MULTILINE | re.DOTALL
    )
    with_rules = [
        body for body in buckets if re.search("^  (?:lifecycle_rule|versioning) ", body, re.MULTILINE)
    ]
    assert with_rules
    for body in with_rules:
        assert {"access_key", "secret_key"} <= set(re.findall(r"^  (\w+) +=", body, re.MULTILINE))
