#!/bin/sh
# Generates the classes of every .proto below a folder (default: in place). Runs from the root of the checkout: make proto
set -eu
out=${1:-.}
for proto in $(find collector -name '*.proto'); do
    .venv/bin/python -m grpc_tools.protoc --proto_path=. --python_out="$out" --pyi_out="$out" "$proto"
    # protoc leaves the mapping's types open, which strict type checking refuses.
    stub=$out/${proto%.proto}_pb2.pyi
    sed 's/_Mapping\]/_Mapping[str, object]]/g' "$stub" >"$stub.new"
    mv "$stub.new" "$stub"
done
