#!/usr/bin/env python3
"""Writes the tutorial's model as ONNX, opset 13, with a free batch size: export_onnx.py FILE"""
import sys

import torch

from nets import Tutorial

torch.manual_seed(1)
torch.onnx.export(Tutorial().eval(), torch.zeros(1, 1, 28, 28), sys.argv[1], opset_version=13, input_names=["x"],
                  output_names=["y"], dynamic_axes={"x": {0: "batch"}, "y": {0: "batch"}})
