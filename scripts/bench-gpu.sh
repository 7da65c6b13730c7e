#!/usr/bin/env bash
# Measures lrun on a real GPU: random Llamas of the shapes 1B and 8B, in f16 and q4, reading 2,048 tokens and generating 128,
# at the start and after 32,768 tokens, and what each kernel takes. A few minutes; needs 30 GB of GPU memory, and Go, or a
# built lrun as $LRUN. The tables go to stdout.
#
#   scripts/bench-gpu.sh > docs/bench-gpu.txt
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
lrun=${LRUN:-}
if [ -z "$lrun" ]; then
	lrun=$work/lrun
	go build -o "$lrun" ./cmd/lrun
fi

# shape NAME WIDTH HIDDEN LAYERS TIED makes a folder with the configuration of a Llama 3.
shape() {
	mkdir "$work/$1"
	cat >"$work/$1/config.json" <<-JSON
		{"model_type": "llama", "hidden_act": "silu", "hidden_size": $2, "intermediate_size": $3, "num_hidden_layers": $4,
		 "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128256, "rope_theta": 500000.0,
		 "rms_norm_eps": 1e-05, "tie_word_embeddings": $5, "max_position_embeddings": 131072}
	JSON
}
shape 1b 2048 8192 16 true
shape 8b 4096 14336 32 false

for model in 1b 8b; do
	for quant in none q4; do
		(cd "$work" && "$lrun" bench --backend webgpu -m $model --random-weights f16 --quant $quant --kv f16 \
			-p 2048 -n 128 -d 0,32768 -r 3 --kernels)
		echo
	done
done
