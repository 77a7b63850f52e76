"""What schemathesis is told beside its settings."""

import schemathesis

# Bytes as they are, under the name that tus has for them.
schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
