/* cnn: what is in files of tensors, converts and compares them, and runs models, on the libraries' public API alone. */
#include "command.h"

#include "common/say.h"

#include <cnn/cnn.h>

#include <stdio.h>
#include <string.h>

const char program_name[] = "cnn";

static const char help[] =
    "Usage: cnn COMMAND [OPTION]... FILE...\n"
    "\n"
    "  info FILE        what is in a file: the names, dtypes and shapes of its tensors\n"
    "  convert A B      write the tensors of A in the format that B's name ends with\n"
    "  diff A B         compare two files tensor by tensor\n"
    "  run MODEL        run an ONNX model on .npy files and pictures\n"
    "  bench MODEL      how long an ONNX model takes\n"
    "\n"
    "cnn COMMAND --help, or cnn help COMMAND, lists a command's options. Files that are read: safetensors and "
    "libcnn's\n"
    "checkpoints, NumPy's .npy and .npz, PyTorch's .pt and .pth since its version 1.6, the weights of ONNX models. "
    "Files\n"
    "that are written: .safetensors, .npz, .npy, and .onnx as a copy with other weights. Models are ONNX files: info,\n"
    "run, bench.\n"
    "\n"
    "  -h, --help       print this and end\n"
    "  -V, --version    print the version and end\n"
    "\n"
    "Exit status: 0, 1 after a failure, 2 for a bad command line; of diff: 0, 1 where the files differ, 2 otherwise.\n";

static const command commands[] = {
    { "info",
      "Usage: cnn info [OPTION]... FILE\n"
      "Prints what is in a file of tensors, without reading elements, or in a model whose name ends with .onnx: its\n"
      "inputs and outputs, its operators, also those that are not supported, and its initializers.\n"
      "\n"
      "  -n, --nodes      the nodes of a model, too: name, operator, inputs and outputs, with what the file says of "
      "them\n"
      "  -j, --json       one JSON object on one line\n"
      "  -h, --help       print this and end\n",
      run_info },
    { "convert",
      "Usage: cnn convert [OPTION]... A B\n"
      "Reads the tensors of A and writes them to B in the format that its name ends with: .safetensors, .npz or .npy.\n"
      "Those of an ONNX model, whose name ends with .onnx, are its initializers.\n"
      "\n"
      "  -p, --prefix P   only those whose names begin with P, without it, such as \"state_dict.\"\n"
      "  -t, --tensor T   only the one of that name\n"
      "  -i, --into MODEL  the ONNX model of which B, a .onnx file, is a copy with the tensors as its weights, by "
      "name\n"
      "  -c, --compress   deflate the members of a .npz file\n"
      "  -j, --json       one JSON object on one line\n"
      "  -h, --help       print this and end\n",
      run_convert },
    { "diff",
      "Usage: cnn diff [OPTION]... A B\n"
      "Compares the tensors of two files by name and prints those that differ, each with its largest difference.\n"
      "\n"
      "  -t, --tolerance X   differences of up to X count as none (0)\n"
      "  -j, --json          one JSON object on one line, with all tensors\n"
      "  -h, --help          print this and end\n"
      "\n"
      "Exit status: 0 where they are the same, 1 where they differ, 2 for trouble.\n",
      run_diff },
    { "run",
      "Usage: cnn run [OPTION]... --input [NAME=]FILE... MODEL\n"
      "Runs a model on inputs from .npy files or pictures and writes each output to a file of its name, DIR/NAME.npy.\n"
      "\n"
      "  -i, --input FILE      an input as NAME=FILE.npy, or as NAME=FILE.png once per picture of the batch; the name\n"
      "                        may be left out where there is one input\n"
      "  -o, --output-dir DIR  where the outputs go; made if it is not there (.)\n"
      "  -T, --threads N       computing threads; 0: as many as there are CPUs (0)\n"
      "  -j, --json            one JSON object on one line\n"
      "  -h, --help            print this and end\n"
      "\n"
      "Pictures, PNG or JPEG, become inputs as by torchvision's preprocessing for classification:\n"
      "  -r, --resize N        the shorter side, of which the crop is taken (256 / 224 of the model's longest side)\n"
      "  -c, --crop SIZE       height and width where the model leaves them open: 224 or 224,320 (the picture's own)\n"
      "  -f, --fit HOW         crop: proportions are kept, then cropped; stretch: resized to the model's size (crop)\n"
      "  -m, --mean M          what is subtracted of [0, 1]: 1 or 3 numbers (0.485,0.456,0.406; of one channel 0)\n"
      "  -d, --std S           what is divided by then (0.229,0.224,0.225; of one channel 1)\n"
      "  -l, --layout ORDER    nchw or nhwc (by where a size of 1 or 3 is)\n",
      run_run },
    { "bench",
      "Usage: cnn bench [OPTION]... MODEL\n"
      "Runs a model on numbers that are drawn, frozen for their shapes, and prints how long a run takes, and each of "
      "its\n"
      "operations.\n"
      "\n"
      "  -i, --input FILE  an input as NAME=FILE instead of drawn numbers, with the options of cnn run\n"
      "  -b, --batch N     the first size of inputs where the file leaves it open (1)\n"
      "  -s, --size SIZES  the sizes of an input, as NAME=1,3,224,224; the name may be left out where there is one "
      "input\n"
      "  -n, --steps N     runs that are measured, after three that are not (50)\n"
      "  -T, --threads N   computing threads; 0: as many as there are CPUs (0)\n"
      "  -j, --json        one JSON object on one line\n"
      "  -h, --help        print this and end\n",
      run_bench },
};

static const command *find(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

static bool is_option(const char *text, const char *letter, const char *name)
{
    return strcmp(text, letter) == 0 || strcmp(text, name) == 0;
}

int main(int argc, char **argv)
{
    const char *first = argc > 1 ? argv[1] : "";
    const bool helps = strcmp(first, "help") == 0;
    if (is_option(first, "-h", "--help") || (helps && (argc == 2 || (argc == 3 && strcmp(argv[2], "help") == 0)))) {
        fputs(help, stdout);
        return command_flush();
    }
    if (is_option(first, "-V", "--version")) {
        printf("cnn (libcnn) %s\n", cnn_version());
        return command_flush();
    }
    if (argc > 3 && helps) {
        say("cnn: \"%s\" is one command too many; see cnn --help", argv[3]);
        return STATUS_USAGE;
    }
    const char *name = helps ? argv[2] : first;
    const command *c = find(name);
    if (!c) {
        say(argc > 1 ? "cnn: there is no command \"%s\"; see cnn --help" : "cnn: no command is given; see cnn --help",
            name);
        return STATUS_USAGE;
    }
    if (helps) {
        fputs(c->help, stdout);
        return command_flush();
    }
    return c->run(c, argc - 1, argv + 1);
}
