"""tus_client.py URL FILE STORE [STOP]: uploads with tuspy, up to STOP bytes if given.

Prints where the upload stood at the beginning.
"""

import sys

from tusclient.client import TusClient
from tusclient.storage.filestorage import FileStorage

url, file, store = sys.argv[1:4]
uploader = TusClient(url).uploader(
    file,
    chunk_size=50_000,
    store_url=True,
    url_storage=FileStorage(store),
    upload_checksum=True,
)
print(uploader.get_offset() if uploader.url else 0)
uploader.upload(stop_at=int(sys.argv[4]) if len(sys.argv) > 4 else None)
