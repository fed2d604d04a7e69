"""Real servers for tests, on loopback, in temporary folders, stopped when the tests end.

Loaded by ``tests/conftest.py``, so that any test may ask for these session-wide fixtures:

``postgres``
    A PostgreSQL cluster of its own with PostGIS (`postgres.Postgres`). ``postgres.create("name")`` makes a database and
    returns its address; ``postgres.dsn("name", driver="asyncpg")`` words it for SQLAlchemy.
``each_database``
    Runs a test twice: with records in SQLite, and in a PostgreSQL schema of its own on that cluster.
``pgstac``
    stac-fastapi.pgstac on that cluster (`pgstac.StacServer`): ``url``, ``add(items)``, ``remove(ids)``. Empty, and
    shared: use a collection id of your own, or `pgstac.running_server` for one that is yours alone.
``earth_search_files``
    nginx over the real Earth Search scenes of the labelled data (`nginx.Nginx`): ``url``, ``log``.
``earth_search_api``
    A `pgstac.StacServer` with those ten items, whose images lie on ``earth_search_files``.
``earth_search_toml``
    A file of providers with that server as ``here``, to be given as ``--providers``.

Each is also a context manager (`postgres.running_postgres`, `pgstac.running_server`, `nginx.running_nginx`), for a test
that needs one of its own. `replay.replaying` serves recorded pages of public STAC APIs.

Debian packages: postgresql-15 postgresql-15-postgis-3 nginx-light.
"""
