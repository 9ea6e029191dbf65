"""Files of a worker: whoever else has a login on the machine reads none of them."""


def test_all_that_a_worker_writes_is_for_its_user_alone(worker):
    """Tables hold keys that senders chose, addresses of people among them; the umask of a service is 022."""
    folder = worker.log.parent / f"one-{worker.port}"
    modes = {
        str(path.relative_to(folder)): oct(path.stat().st_mode & 0o777)
        for path in [folder, *folder.rglob("*")]
    }
    assert any(name.endswith(".sqlite") for name in modes)
    assert set(modes.values()) == {"0o700", "0o600"}, modes
