"""Packages of the wheel: `agents`, `models` and `tables` go below `dataflow.topology`.

At the top of site-packages they would replace packages of these names, such as PyTables' `tables`. The
program puts that folder on its own path: `dataflow/topology_path.py`.
"""

from setuptools import find_namespace_packages, setup

ROOMS = ("agents", "models", "tables")

setup(
    packages=[
        *find_namespace_packages(include=["dataflow", "dataflow.*"]),
        *(
            f"dataflow.topology.{package}"
            for room in ROOMS
            for package in find_namespace_packages(include=[room, f"{room}.*"])
        ),
    ],
    package_dir={f"dataflow.topology.{room}": room for room in ROOMS},
)
