#!/bin/sh
# vLLM over several machines with Ray; the same script on each, the head first.
#   on the head:    HEAD=10.0.0.1 NODES=2 GPUS=8 MODEL=... sh docker/ray.sh head
#   on each other:  HEAD=10.0.0.1 NODE=10.0.0.2 sh docker/ray.sh worker
# Each machine needs vLLM with Ray, the model's folder at the same path, and open ports between them.
set -eu
: "${HEAD:?the address of the head}"
case "${1:-}" in
    head)
        : "${NODES:?how many machines there are}" "${GPUS:?how many GPUs each has}" "${MODEL:?the model}"
        export VLLM_HOST_IP="$HEAD"
        ray start --head --node-ip-address="$HEAD" --port=6379
        until [ "$(ray status 2>/dev/null | grep -c '^ *1 node_')" -ge "$NODES" ]; do
            echo "waiting for $NODES machines"
            sleep 5
        done
        exec vllm serve "$MODEL" --served-model-name coder --host 0.0.0.0 --port 8000 \
            --distributed-executor-backend ray --tensor-parallel-size "$GPUS" --pipeline-parallel-size "$NODES" \
            --max-model-len "${CONTEXT:-16384}" --max-num-seqs 64 --enable-prefix-caching
        ;;
    worker)
        : "${NODE:?the address of this machine}"
        export VLLM_HOST_IP="$NODE"
        exec ray start --block --address="$HEAD:6379" --node-ip-address="$NODE"
        ;;
    *)
        echo "usage: sh docker/ray.sh head|worker" >&2
        exit 2
        ;;
esac
