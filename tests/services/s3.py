"""An S3 server on loopback (moto's), and files in it."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
from moto.server import ThreadedMotoServer


@contextmanager
def s3_server() -> Iterator[str]:
    """An empty server; gives its URL."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def upload(endpoint: str, bucket: str, files: dict[str, Path], *, public: Collection[str] = ()) -> None:
    """Put files, by key, into a bucket, which is made; all but those in `public` need a key."""
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    client.create_bucket(Bucket=bucket)
    for key, path in files.items():
        client.upload_file(
            str(path), bucket, key, ExtraArgs={"ACL": "public-read"} if key in public else None
        )
