#!/bin/sh
# Generates the envelope's classes below a folder (default: in place). Runs from the root of the checkout: make proto
set -eu
out=${1:-.}
.venv/bin/python -m grpc_tools.protoc --proto_path=. --python_out="$out" --pyi_out="$out" collector/pdata/envelope.proto
# protoc leaves the mapping's types open, which strict type checking refuses.
stub=$out/collector/pdata/envelope_pb2.pyi
sed 's/_Mapping\]/_Mapping[str, object]]/g' "$stub" >"$stub.new"
mv "$stub.new" "$stub"
