from confluent_kafka.admin import AdminClient
from secure_broker import SecureListener

from dataflow.demo.broker import EmbeddedBroker


def test_a_listener_with_tls_and_passwords_is_a_matter_of_properties(tmp_path):
    """The worker's security settings are tested against a real listener of this kind."""
    secure = SecureListener(tmp_path)
    broker = EmbeddedBroker(tmp_path / "broker", secure.open_port, properties=secure.properties)
    broker.start()
    try:
        broker.wait_ready()
        client = AdminClient(
            {
                "bootstrap.servers": secure.address,
                "security.protocol": "SASL_SSL",
                "sasl.mechanism": "PLAIN",
                "sasl.username": secure.user,
                "sasl.password": secure.password,
                "ssl.ca.location": str(secure.ca_file),
            }
        )
        assert [f"{node.host}:{node.port}" for node in client.list_topics(timeout=10).brokers.values()] == [
            secure.address
        ]
    finally:
        broker.kill()
