#!/bin/sh
# cnn run and bench on pictures; where torchvision is, beside its preprocessing.
. "$(dirname "$0")/../example/common.sh"
"${PYTHON:-python3}" "$(dirname "$0")/pictures.py" "$program" "$work" || fail "a picture becomes something else"
