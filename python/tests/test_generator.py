"""tools/make-python.py: a function that is new in a header is there without a line of Python, and what the parser does
not know is an error instead of being left out."""

import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import cnn

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TOOL = ROOT / "tools" / "make-python.py"


@unittest.skipUnless(TOOL.exists(), "needs tools/make-python.py")
class Generator(unittest.TestCase):
    def files(self, header, more):
        spec = importlib.util.spec_from_file_location("make_python", TOOL)
        tool = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(tool)
        with tempfile.TemporaryDirectory() as folder:
            include = pathlib.Path(folder) / "include"
            shutil.copytree(ROOT / "include", include)
            path = include / "cnn" / header
            text = path.read_text(encoding="utf-8")
            path.write_text(
                text.replace("CNN_END_DECLS\n\n#endif", more + "\nCNN_END_DECLS\n\n#endif"), encoding="utf-8"
            )
            return tool.Maker.of(include).files()

    def test_every_run_makes_the_same(self):
        made = []
        for seed in "1", "2":  # of the order of sets
            with tempfile.TemporaryDirectory() as folder:
                environment = {**os.environ, "PYTHONHASHSEED": seed}
                subprocess.run([sys.executable, str(TOOL), folder], env=environment, check=True)
                paths = [path for path in pathlib.Path(folder).rglob("*") if path.is_file()]
                made.append({path.relative_to(folder).as_posix(): path.read_bytes() for path in paths})
        self.assertEqual(made[0], made[1])
        package = pathlib.Path(cnn.__file__).parent
        for name, data in made[0].items():
            self.assertEqual((package / name).read_bytes(), data, f"{name} is stale; run make python")

    def test_a_package_that_is_not_made_yet_says_so(self):
        with tempfile.TemporaryDirectory() as folder:
            package = pathlib.Path(folder) / "cnn"
            shutil.copytree(pathlib.Path(cnn.__file__).parent, package)
            (package / "_bindings.py").unlink()
            run = [sys.executable, "-c", "import cnn"]
            done = subprocess.run(run, cwd=folder, capture_output=True, text=True, check=False)
            self.assertIn("ImportError: ", done.stderr)
            self.assertIn("run `make python`", done.stderr)

    def test_a_new_function_of_a_library_beside(self):
        more = "/** A count. */\nCNN_API int64_t cnn_onnx_count(const cnn_module *module, const cnn_onnx_value *value);\n"
        files = self.files("onnx.h", more)
        line = '    "cnn_onnx_count": (c_int64, (c_void_p, POINTER(cnn_onnx_value))),'
        self.assertIn(line, files["_onnx_bindings.py"])
        self.assertNotIn("cnn_onnx_count", files["_bindings.py"])

    def test_a_new_operation(self):
        files = self.files(
            "ops/activation.h",
            """
/** Options of cnn_twist(). */
typedef struct cnn_twist_options {
    size_t struct_size;        /**< sizeof(cnn_twist_options) */
    int64_t turns;             /**< how often; default 1 */
    bool no_blend;             /**< leave the ends alone */
    unsigned char reserved[7]; /**< zero: room for later options */
} cnn_twist_options;

/** Twists x as far as the angle says. @since 0.3 */
CNN_API cnn_tensor *cnn_twist(cnn_tensor *x, double angle, int count, const int *dims, const cnn_twist_options *options,
                              cnn_tensor **torque);
""",
        )
        self.assertIn(
            '    "cnn_twist": (c_void_p, (c_void_p, c_double, c_int, POINTER(c_int), POINTER(cnn_twist_options), '
            "POINTER(c_void_p))),",
            files["_bindings.py"],
        )
        self.assertIn(
            "def twist(\n        x: Tensor, angle: float, dims: Dims, *, turns: Optional[int] = None, "
            "blend: Optional[bool] = None,\n        return_torque: bool = False) -> Any:\n"
            '    """Twists x as far as the angle says.',
            files["_ops.py"],
        )
        self.assertIn("    def twist(\n            self: Any, angle: float, dims: Dims", files["_ops.py"])

    def test_a_new_layer(self):
        files = self.files(
            "module.h",
            "/** torch.nn.LazyLayer. */\n"
            "CNN_API cnn_module *cnn_lazy_layer_create(cnn_context *ctx, int64_t size, "
            "const cnn_linear_options *options);\n",
        )
        self.assertIn("class LazyLayer(Module):", files["nn/_layers.py"])
        self.assertIn(
            "self, size: int, *, dtype: Optional[Union[B.DType, str, int]] = None, bias: Optional[bool] = None) -> "
            "None:",
            files["nn/_layers.py"],
        )
        self.assertIn(
            'self._create("cnn_lazy_layer_create", size, options(B.cnn_linear_options, dtype=dtype, no_bias=bias))',
            files["nn/_layers.py"],
        )

    def test_what_is_not_known_is_an_error(self):
        for more in (
            "union cnn_x { int a; };",
            "CNN_API long double cnn_f(void);",
            "typedef enum cnn_e { CNN_A, CNN_B } cnn_e;",
            "CNN_API int cnn_f(int a[3][4]);",
            "int forgotten;",
        ):
            with self.subTest(declaration=more), self.assertRaises(SystemExit):
                self.files("metrics.h", more)


if __name__ == "__main__":
    unittest.main()
