"""The C functions of libcnn by ctypes: enumerations, structs, types of callbacks and prototypes.

Written by tools/make-python.py from the headers; do not edit."""
import enum
from ctypes import (CFUNCTYPE, POINTER, Structure, c_bool, c_char, c_char_p, c_double, c_float, c_int,
                    c_int32, c_int64, c_size_t, c_ubyte, c_uint8, c_uint16, c_uint32, c_uint64, c_void_p)
from typing import Dict, Tuple, Type

Enums = Dict[str, Type[enum.IntEnum]]
Names = Tuple[str, ...]


class Anomaly(enum.IntEnum):
    """What an anomaly is."""

    NONE = 0
    NAN = 1
    NONFINITE = 2


class LoadDtypes(enum.IntEnum):
    """Which elements of a file may become a module's of another dtype. Everything else is mismatched."""

    EXACT = 0
    SAME = 1
    ROUND = 2


class LoadProblem(enum.IntEnum):
    """Why a name is in a report."""

    MISSING = 0
    UNEXPECTED = 1
    MISMATCHED = 2


class Math(enum.IntEnum):
    """How much exactness sums may give up for speed."""

    FAST = 0
    STRICT = 1


class LogLevel(enum.IntEnum):
    """What a log line is about."""

    DEBUG = 0
    INFO = 1
    WARNING = 2


class MnistSplit(enum.IntEnum):
    """Which part of MNIST."""

    TRAIN = 0
    TEST = 1


class MnistPart(enum.IntEnum):
    """Which of the two files of a split."""

    IMAGES = 0
    LABELS = 1


class CifarSplit(enum.IntEnum):
    """Which part of CIFAR-10 or CIFAR-100."""

    TRAIN = 0
    TEST = 1


class DlpackFlag(enum.IntEnum):
    """Bits of the flags of a cnn_dlpack."""

    READ_ONLY = 1
    COPIED = 2


class Nonlinearity(enum.IntEnum):
    """What follows a layer, which decides by how much its weights are scaled."""

    LEAKY_RELU = 0
    RELU = 1
    LINEAR = 2
    SIGMOID = 3
    TANH = 4
    SELU = 5


class FanMode(enum.IntEnum):
    """Which fan Kaiming's functions keep the variance over."""

    IN = 0
    OUT = 1


class Average(enum.IntEnum):
    """How the scores of classes become one."""

    MACRO = 0
    MICRO = 1
    WEIGHTED = 2


class ModuleMode(enum.IntEnum):
    """How a module behaves in a step: layers such as Dropout and BatchNorm2d differ in training."""

    FOLLOWS_STEP = 0
    EVALUATES = 1
    TRAINS = 2


class PaddingMode(enum.IntEnum):
    """How the border is padded."""

    EXPLICIT = 0
    SAME = 1


class Reduction(enum.IntEnum):
    """What a loss does with the losses of the samples."""

    MEAN = 0
    SUM = 1
    NONE = 2
    BATCH_MEAN = 3


class PadMode(enum.IntEnum):
    """What stands beyond the edges."""

    CONSTANT = 0
    REFLECT = 1
    REPLICATE = 2
    CIRCULAR = 3


class InterpolateMode(enum.IntEnum):
    """How an element of the result comes from elements of x."""

    NEAREST = 0
    NEAREST_EXACT = 1
    LINEAR = 2
    BILINEAR = 3
    TRILINEAR = 4
    BICUBIC = 5
    AREA = 6


class OptimizerOption(enum.IntEnum):
    """What can be changed of a group. Which optimizers have it stands in their options."""

    LR = 0
    WEIGHT_DECAY = 1
    MAXIMIZE = 2
    BETA1 = 3
    BETA2 = 4
    EPS = 5
    AMSGRAD = 6
    MOMENTUM = 7
    DAMPENING = 8
    NESTEROV = 9
    ALPHA = 10
    CENTERED = 11
    LR_DECAY = 12
    INITIAL_ACCUMULATOR_VALUE = 13
    RHO = 14
    MOMENTUM_DECAY = 15
    DECOUPLED_WEIGHT_DECAY = 16
    TRUST_COEFFICIENT = 17
    NO_NESTEROV = 18
    NS_A = 19
    NS_B = 20
    NS_C = 21
    NS_STEPS = 22
    MATCH_RMS_ADAMW = 23
    SPECTRAL_UNCLAMPED = 24


class ProfileKind(enum.IntEnum):
    """What an event is."""

    LAUNCH = 0
    MODULE = 1


class ProfileTable(enum.IntEnum):
    """The tables of cnn_profile_format()."""

    OPERATIONS = 0
    MODULES = 1


class AnnealStrategy(enum.IntEnum):
    """How cnn_one_cycle_lr_create() goes from one rate to another."""

    COS = 0
    LINEAR = 1


class PlateauMode(enum.IntEnum):
    """Which metrics are better."""

    MIN = 0
    MAX = 1


class ThresholdMode(enum.IntEnum):
    """What `threshold` is."""

    REL = 0
    ABS = 1


class Status(enum.IntEnum):
    """The result of a call: 0 or a negative code. The values are part of the ABI and never change."""

    OK = 0
    ERROR_INVALID_ARGUMENT = -1
    ERROR_NO_MEMORY = -2
    ERROR_SHAPE = -3
    ERROR_DTYPE = -4
    ERROR_DEVICE = -5
    ERROR_STATE = -6
    ERROR_IO = -7
    ERROR_NOT_FOUND = -8
    ERROR_FORMAT = -9
    ERROR_MISMATCH = -10
    ERROR_THREAD = -11
    ERROR_UNSUPPORTED = -12
    ERROR_CALLBACK = -13


class Mode(enum.IntEnum):
    """What a step is for. Layers such as Dropout act only where "training behaviour" is said."""

    EVAL = 0
    TRAIN = 1
    TRAIN_NO_GRAD = 2
    EVAL_GRAD = 3


class DType(enum.IntEnum):
    """The type of an element. The values are part of the ABI."""

    F32 = 0
    F64 = 1
    I64 = 2
    I32 = 3
    U8 = 4
    BOOL = 5
    BF16 = 6


class ValueKind(enum.IntEnum):
    """What a value is."""

    RESULT = 0
    INPUT = 1
    PARAMETER = 2
    BUFFER = 3
    CONSTANT = 4


class AttributeType(enum.IntEnum):
    """The type of an attribute."""

    INT = 0
    REAL = 1
    BOOL = 2
    TEXT = 3


# What the library calls back. Pointers to structs are addresses.
cnn_transform_fn = CFUNCTYPE(c_int, POINTER(c_float), c_int64, c_int64, c_int64, c_void_p, c_void_p)
cnn_transform_free_fn = CFUNCTYPE(None, c_void_p)
cnn_hook_fn = CFUNCTYPE(c_void_p, c_void_p, c_void_p)
cnn_log_fn = CFUNCTYPE(None, c_int, c_char_p, c_void_p)
cnn_allocate_fn = CFUNCTYPE(c_void_p, c_size_t, c_size_t, c_void_p)
cnn_deallocate_fn = CFUNCTYPE(None, c_void_p, c_size_t, c_void_p)
cnn_range_fn = CFUNCTYPE(c_int, c_int64, c_int64, c_void_p)
cnn_collate_fn = CFUNCTYPE(c_int, POINTER(c_void_p), POINTER(c_void_p), c_int64, c_void_p, c_void_p)
cnn_forward_fn = CFUNCTYPE(c_void_p, c_void_p, c_void_p, c_void_p)
cnn_forward_many_fn = CFUNCTYPE(c_int, c_void_p, POINTER(c_void_p), c_int, POINTER(c_void_p), c_int, c_void_p)
cnn_visit_fn = CFUNCTYPE(c_bool, c_char_p, c_void_p, c_bool, c_void_p)
cnn_belongs_fn = CFUNCTYPE(c_bool, c_char_p, c_void_p, c_void_p)
cnn_lr_lambda_fn = CFUNCTYPE(c_double, c_int64, c_int, c_void_p)
cnn_gradient_fn = CFUNCTYPE(None, c_void_p, c_void_p)
cnn_function_fn = CFUNCTYPE(c_void_p, POINTER(c_void_p), c_int, c_void_p)
cnn_deleter_fn = CFUNCTYPE(None, c_void_p, c_void_p)


class cnn_prelu_options(Structure):
    """Options of cnn_prelu_create()."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("num_parameters", c_int64),
        ("init", c_double),
        ("dtype", c_int),
        ("reserved", c_ubyte * 4),
    ]
    _enums_: Enums = {"dtype": DType}


class cnn_multihead_attention_options(Structure):
    """Options of cnn_multihead_attention_create(); zero means the default."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("kdim", c_int64),
        ("vdim", c_int64),
        ("dropout", c_double),
        ("dtype", c_int),
        ("no_bias", c_bool),
        ("add_bias_kv", c_bool),
        ("add_zero_attn", c_bool),
        ("batch_first", c_bool),
        ("is_causal", c_bool),
        ("reserved", c_ubyte * 7),
    ]
    _enums_: Enums = {"dtype": DType}


class cnn_transformer_encoder_layer_options(Structure):
    """Options of cnn_transformer_encoder_layer_create(); zero means the default."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("dim_feedforward", c_int64),
        ("dropout", c_double),
        ("layer_norm_eps", c_double),
        ("dtype", c_int),
        ("gelu", c_bool),
        ("batch_first", c_bool),
        ("norm_first", c_bool),
        ("no_bias", c_bool),
        ("is_causal", c_bool),
        ("reserved", c_ubyte * 7),
    ]
    _nonzero_: Names = ("dim_feedforward",)
    _enums_: Enums = {"dtype": DType}


class cnn_random_crop_options(Structure):
    """Options of cnn_augment_random_crop()."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("padding", c_int64),
        ("padding_left", c_int64),
        ("padding_top", c_int64),
        ("padding_right", c_int64),
        ("padding_bottom", c_int64),
        ("fill", c_double),
        ("fills", POINTER(c_double)),
        ("fill_count", c_int),
        ("padding_mode", c_int),
        ("symmetric", c_bool),
        ("pad_if_needed", c_bool),
        ("reserved", c_ubyte * 6),
    ]
    _enums_: Enums = {"padding_mode": PadMode}


class cnn_resize_options(Structure):
    """Options of cnn_augment_resize()."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("max_size", c_int64),
        ("nearest", c_bool),
        ("no_antialias", c_bool),
        ("reserved", c_ubyte * 6),
    ]
    _enums_: Enums = {}


class cnn_random_resized_crop_options(Structure):
    """Options of cnn_augment_random_resized_crop()."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("scale_min", c_double),
        ("scale_max", c_double),
        ("ratio_min", c_double),
        ("ratio_max", c_double),
        ("nearest", c_bool),
        ("no_antialias", c_bool),
        ("reserved", c_ubyte * 6),
    ]
    _enums_: Enums = {}


class cnn_random_rotation_options(Structure):
    """Options of cnn_augment_random_rotation()."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("fill", c_double),
        ("fills", POINTER(c_double)),
        ("center_x", c_double),
        ("center_y", c_double),
        ("fill_count", c_int),
        ("bilinear", c_bool),
        ("reserved", c_ubyte * 3),
    ]
    _enums_: Enums = {}


class cnn_random_affine_options(Structure):
    """Options of cnn_augment_random_affine()."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("translate_x", c_double),
        ("translate_y", c_double),
        ("scale_min", c_double),
        ("scale_max", c_double),
        ("shear_x_min", c_double),
        ("shear_x_max", c_double),
        ("shear_y_min", c_double),
        ("shear_y_max", c_double),
        ("fill", c_double),
        ("fills", POINTER(c_double)),
        ("center_x", c_double),
        ("center_y", c_double),
        ("fill_count", c_int),
        ("bilinear", c_bool),
        ("reserved", c_ubyte * 3),
    ]
    _enums_: Enums = {}


class cnn_color_jitter_options(Structure):
    """Options of cnn_augment_color_jitter(); what is 0 stays as it is."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("brightness", c_double),
        ("contrast", c_double),
        ("saturation", c_double),
        ("hue", c_double),
        ("brightness_min", c_double),
        ("brightness_max", c_double),
        ("contrast_min", c_double),
        ("contrast_max", c_double),
        ("saturation_min", c_double),
        ("saturation_max", c_double),
        ("hue_min", c_double),
        ("hue_max", c_double),
        ("reserved", c_ubyte * 8),
    ]
    _enums_: Enums = {}


class cnn_random_erasing_options(Structure):
    """Options of cnn_augment_random_erasing()."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("p", c_double),
        ("scale_min", c_double),
        ("scale_max", c_double),
        ("ratio_min", c_double),
        ("ratio_max", c_double),
        ("value", c_double),
        ("values", POINTER(c_double)),
        ("value_count", c_int),
        ("random", c_bool),
        ("reserved", c_ubyte * 3),
    ]
    _enums_: Enums = {}


class cnn_grad_options(Structure):
    """Options of cnn_grad(); zero means the default."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("grad_outputs", POINTER(c_void_p)),
        ("retain_graph", c_bool),
        ("allow_unused", c_bool),
        ("reserved", c_ubyte * 6),
    ]
    _enums_: Enums = {}


class cnn_load_options(Structure):
    """Options of cnn_module_load_with(); zeros load as cnn_module_load() does."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("strip_prefix", c_char_p),
        ("add_prefix", c_char_p),
        ("dtypes", c_int),
        ("partial", c_bool),
        ("skip_mismatched", c_bool),
        ("reserved", c_ubyte * 2),
    ]
    _enums_: Enums = {"dtypes": LoadDtypes}


class cnn_checkpoint(Structure):
    """What a checkpoint carries besides the random state of the module's context."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("module", c_void_p),
        ("optimizer", c_void_p),
        ("epoch", c_int64),
        ("scheduler", c_void_p),
        ("reserved", c_ubyte * 8),
    ]
    _enums_: Enums = {}


class cnn_clip_grad_norm_options(Structure):
    """Options of cnn_clip_grad_norm(); zeros are the defaults."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("norm_type", c_double),
        ("error_if_nonfinite", c_bool),
        ("reserved", c_ubyte * 7),
    ]
    _enums_: Enums = {}


class cnn_context_options(Structure):
    """Options of cnn_context_create(); zero means the default."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("seed", c_uint64),
        ("threads", c_int),
        ("math", c_int),
        ("device", c_char_p),
        ("allocate", cnn_allocate_fn),
        ("deallocate", cnn_deallocate_fn),
        ("allocator_user", c_void_p),
        ("log", cnn_log_fn),
        ("log_user", c_void_p),
        ("kernels", c_char_p),
        ("reserved", c_ubyte * 8),
    ]
    _enums_: Enums = {"math": Math}


class cnn_random_state(Structure):
    """The state of the random generator: restoring it resumes a run bit for bit."""

    _fields_ = [
        ("seed", c_uint64),
        ("stream", c_uint64),
        ("reserved", c_uint64 * 2),
    ]
    _enums_: Enums = {}


class cnn_dataset_callbacks(Structure):
    """A dataset whose samples the user makes."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("size", c_int64),
        ("image_shape", POINTER(c_int64)),
        ("label_shape", POINTER(c_int64)),
        ("image_ndim", c_int),
        ("label_ndim", c_int),
        ("image_dtype", c_int),
        ("label_dtype", c_int),
        ("get", CFUNCTYPE(c_int, c_int64, c_void_p, c_void_p, c_void_p)),
        ("free_user", CFUNCTYPE(None, c_void_p)),
        ("user", c_void_p),
        ("make", CFUNCTYPE(c_int, c_int64, POINTER(c_void_p), POINTER(c_void_p), c_void_p)),
        ("concurrent", c_bool),
        ("reserved", c_ubyte * 7),
    ]
    _enums_: Enums = {"image_dtype": DType, "label_dtype": DType}


class cnn_device_properties(Structure):
    """What a device is."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("name", c_char * 32),
        ("description", c_char * 128),
        ("memory", c_uint64),
        ("memory_free", c_uint64),
        ("host_memory", c_bool),
        ("reserved", c_ubyte * 7),
    ]
    _enums_: Enums = {}


class cnn_dlpack_view(Structure):
    """DLTensor: what the elements are and where."""

    _fields_ = [
        ("data", c_void_p),
        ("device_type", c_int32),
        ("device_id", c_int32),
        ("ndim", c_int32),
        ("code", c_uint8),
        ("bits", c_uint8),
        ("lanes", c_uint16),
        ("shape", POINTER(c_int64)),
        ("strides", POINTER(c_int64)),
        ("byte_offset", c_uint64),
    ]
    _enums_: Enums = {}


class cnn_dlpack_legacy(Structure):
    """DLManagedTensor: of versions before 1.0, which NumPy 1 and PyTorch to 2.6 exchange as the capsule
    "dltensor"."""

    _fields_ = [
        ("view", cnn_dlpack_view),
        ("manager", c_void_p),
        ("deleter", CFUNCTYPE(None, c_void_p)),
    ]
    _enums_: Enums = {}


class cnn_dlpack(Structure):
    """DLManagedTensorVersioned: since version 1.0; the capsule "dltensor_versioned"."""

    _fields_ = [
        ("major", c_uint32),
        ("minor", c_uint32),
        ("manager", c_void_p),
        ("deleter", CFUNCTYPE(None, c_void_p)),
        ("flags", c_uint64),
        ("view", cnn_dlpack_view),
    ]
    _enums_: Enums = {}


class cnn_ema_options(Structure):
    """Options of cnn_ema_create(); zeros are the defaults."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("decay", c_double),
        ("count", c_int64),
        ("equal_weights", c_bool),
        ("use_buffers", c_bool),
        ("reserved", c_ubyte * 6),
    ]
    _enums_: Enums = {}


class cnn_image_layer_options(Structure):
    """Options of the layers that have none yet. Each has a name of its own for the type."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("reserved", c_ubyte * 8),
    ]
    _enums_: Enums = {}


class cnn_pad2d_options(Structure):
    """Options of layers that pad images; zero means the default. Negative numbers cut off."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("padding", c_int64),
        ("padding_left", c_int64),
        ("padding_right", c_int64),
        ("padding_top", c_int64),
        ("padding_bottom", c_int64),
        ("reserved", c_ubyte * 8),
    ]
    _enums_: Enums = {}


class cnn_constant_pad2d_options(Structure):
    """Options of cnn_constant_pad2d_create(); zero means the default. Negative numbers cut off."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("padding", c_int64),
        ("padding_left", c_int64),
        ("padding_right", c_int64),
        ("padding_top", c_int64),
        ("padding_bottom", c_int64),
        ("value", c_double),
        ("reserved", c_ubyte * 8),
    ]
    _enums_: Enums = {}


class cnn_kaiming_options(Structure):
    """Options of cnn_init_kaiming_uniform() and cnn_init_kaiming_normal(); zeros are PyTorch's defaults."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("a", c_double),
        ("mode", c_int),
        ("nonlinearity", c_int),
        ("reserved", c_ubyte * 8),
    ]
    _enums_: Enums = {"mode": FanMode, "nonlinearity": Nonlinearity}


class cnn_batch(Structure):
    """A batch. Its tensors belong to the loader."""

    _fields_ = [
        ("images", c_void_p),
        ("labels", c_void_p),
        ("size", c_int64),
        ("index", c_int64),
        ("lengths", c_void_p),
        ("label_lengths", c_void_p),
        ("reserved", c_void_p * 2),
    ]
    _enums_: Enums = {}


class cnn_loader_options(Structure):
    """Options of cnn_loader_create(); zero means the default."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("seed", c_uint64),
        ("sampler", c_void_p),
        ("collate", cnn_collate_fn),
        ("collate_user", c_void_p),
        ("threads", c_int),
        ("shuffle", c_bool),
        ("drop_last", c_bool),
        ("no_background", c_bool),
        ("reserved", c_ubyte * 1),
    ]
    _enums_: Enums = {}


class cnn_pad_collate_options(Structure):
    """Options of cnn_pad_collate(); zero means the default."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("value", c_double),
        ("label_value", c_double),
        ("batch_first", c_bool),
        ("reserved", c_ubyte * 7),
    ]
    _enums_: Enums = {}


class cnn_class_scores(Structure):
    """How well a class, or an average of classes, was recognised. What would be divided by 0 is 0."""

    _fields_ = [
        ("precision", c_double),
        ("recall", c_double),
        ("f1", c_double),
        ("support", c_int64),
    ]
    _enums_: Enums = {}


class cnn_relu_options(Structure):
    """Options of cnn_relu_create(): none yet."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("reserved", c_ubyte * 8),
    ]
    _enums_: Enums = {}


class cnn_dropout_options(Structure):
    """Options of cnn_dropout_create(): none yet."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("reserved", c_ubyte * 8),
    ]
    _enums_: Enums = {}


class cnn_linear_options(Structure):
    """Options of cnn_linear_create(); zero means the default."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("dtype", c_int),
        ("no_bias", c_bool),
        ("reserved", c_ubyte * 3),
    ]
    _enums_: Enums = {"dtype": DType}


class cnn_flatten_options(Structure):
    """Options of cnn_flatten_create(); zero means the default."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("start_dim", c_int),
        ("end_dim", c_int),
        ("has_start_dim", c_bool),
        ("reserved", c_ubyte * 7),
    ]
    _nonzero_: Names = ("end_dim",)
    _enums_: Enums = {}


class cnn_module_options(Structure):
    """Options of cnn_module_create()."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("type", c_char_p),
        ("forward", cnn_forward_fn),
        ("user", c_void_p),
        ("free_user", CFUNCTYPE(None, c_void_p)),
        ("clone_user", CFUNCTYPE(c_int, c_void_p, c_void_p, POINTER(c_void_p))),
        ("forward_many", cnn_forward_many_fn),
        ("reserved", c_ubyte * 8),
    ]
    _enums_: Enums = {}


class cnn_instance_norm_options(Structure):
    """Options of cnn_instance_norm1d_create() and cnn_instance_norm2d_create()."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("momentum", c_double),
        ("eps", c_double),
        ("dtype", c_int),
        ("affine", c_bool),
        ("track_running_stats", c_bool),
        ("reserved", c_ubyte * 2),
    ]
    _enums_: Enums = {"dtype": DType}


class cnn_feature_dropout_options(Structure):
    """Options of the dropouts, which have none yet."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("reserved", c_ubyte * 8),
    ]
    _enums_: Enums = {}


class cnn_activation_options(Structure):
    """Options of the layers that have none yet. Each has a name of its own for the type."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("reserved", c_ubyte * 8),
    ]
    _enums_: Enums = {}


class cnn_leaky_relu_options(Structure):
    """Options of cnn_leaky_relu_create()."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("negative_slope", c_double),
        ("reserved", c_ubyte * 8),
    ]
    _enums_: Enums = {}


class cnn_elu_options(Structure):
    """Options of cnn_elu_create()."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("alpha", c_double),
        ("reserved", c_ubyte * 8),
    ]
    _enums_: Enums = {}


class cnn_celu_options(Structure):
    """Options of cnn_celu_create()."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("alpha", c_double),
        ("reserved", c_ubyte * 8),
    ]
    _enums_: Enums = {}


class cnn_softplus_options(Structure):
    """Options of cnn_softplus_create()."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("beta", c_double),
        ("threshold", c_double),
        ("reserved", c_ubyte * 8),
    ]
    _enums_: Enums = {}


class cnn_hardtanh_options(Structure):
    """Options of cnn_hardtanh_create()."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("min_val", c_double),
        ("max_val", c_double),
        ("reserved", c_ubyte * 8),
    ]
    _enums_: Enums = {}


class cnn_softshrink_options(Structure):
    """Options of cnn_softshrink_create()."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("lambd", c_double),
        ("reserved", c_ubyte * 8),
    ]
    _enums_: Enums = {}


class cnn_hardshrink_options(Structure):
    """Options of cnn_hardshrink_create()."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("lambd", c_double),
        ("reserved", c_ubyte * 8),
    ]
    _enums_: Enums = {}


class cnn_scaled_dot_product_attention_options(Structure):
    """Options of cnn_scaled_dot_product_attention(); zero means the default."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("scale", c_double),
        ("dropout_p", c_double),
        ("is_causal", c_bool),
        ("enable_gqa", c_bool),
        ("reserved", c_ubyte * 6),
    ]
    _enums_: Enums = {}


class cnn_conv2d_options(Structure):
    """Options of a 2-D convolution; zero means the default. A field for both directions gives way to `_h` and
    `_w`."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("kernel", c_int64),
        ("kernel_h", c_int64),
        ("kernel_w", c_int64),
        ("stride", c_int64),
        ("stride_h", c_int64),
        ("stride_w", c_int64),
        ("dilation", c_int64),
        ("dilation_h", c_int64),
        ("dilation_w", c_int64),
        ("padding", c_int64),
        ("padding_h", c_int64),
        ("padding_w", c_int64),
        ("padding_top", c_int64),
        ("padding_bottom", c_int64),
        ("padding_left", c_int64),
        ("padding_right", c_int64),
        ("groups", c_int64),
        ("padding_mode", c_int),
        ("dtype", c_int),
        ("pad_mode", c_int),
        ("no_bias", c_bool),
        ("reserved", c_ubyte * 3),
    ]
    _nonzero_: Names = ("stride", "dilation", "groups",)
    _enums_: Enums = {"padding_mode": PaddingMode, "dtype": DType, "pad_mode": PadMode}


class cnn_conv1d_options(Structure):
    """Options of a 1-D convolution; zero means the default."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("kernel", c_int64),
        ("stride", c_int64),
        ("dilation", c_int64),
        ("padding", c_int64),
        ("padding_left", c_int64),
        ("padding_right", c_int64),
        ("groups", c_int64),
        ("padding_mode", c_int),
        ("dtype", c_int),
        ("pad_mode", c_int),
        ("no_bias", c_bool),
        ("reserved", c_ubyte * 3),
    ]
    _nonzero_: Names = ("stride", "dilation", "groups",)
    _enums_: Enums = {"padding_mode": PaddingMode, "dtype": DType, "pad_mode": PadMode}


class cnn_conv3d_options(Structure):
    """Options of a 3-D convolution; zero means the default. A field for all directions gives way to `_d`, `_h`
    and `_w`."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("kernel", c_int64),
        ("kernel_d", c_int64),
        ("kernel_h", c_int64),
        ("kernel_w", c_int64),
        ("stride", c_int64),
        ("stride_d", c_int64),
        ("stride_h", c_int64),
        ("stride_w", c_int64),
        ("dilation", c_int64),
        ("dilation_d", c_int64),
        ("dilation_h", c_int64),
        ("dilation_w", c_int64),
        ("padding", c_int64),
        ("padding_d", c_int64),
        ("padding_h", c_int64),
        ("padding_w", c_int64),
        ("groups", c_int64),
        ("padding_mode", c_int),
        ("dtype", c_int),
        ("pad_mode", c_int),
        ("no_bias", c_bool),
        ("reserved", c_ubyte * 3),
    ]
    _nonzero_: Names = ("stride", "dilation", "groups",)
    _enums_: Enums = {"padding_mode": PaddingMode, "dtype": DType, "pad_mode": PadMode}


class cnn_conv_transpose1d_options(Structure):
    """Options of a transposed 1-D convolution; zero means the default."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("kernel", c_int64),
        ("stride", c_int64),
        ("dilation", c_int64),
        ("padding", c_int64),
        ("output_padding", c_int64),
        ("output_size", c_int64),
        ("groups", c_int64),
        ("dtype", c_int),
        ("no_bias", c_bool),
        ("reserved", c_ubyte * 3),
    ]
    _nonzero_: Names = ("stride", "dilation", "groups",)
    _enums_: Enums = {"dtype": DType}


class cnn_conv_transpose2d_options(Structure):
    """Options of a transposed 2-D convolution; zero means the default. A field for both directions gives way to
    `_h` and `_w`."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("kernel", c_int64),
        ("kernel_h", c_int64),
        ("kernel_w", c_int64),
        ("stride", c_int64),
        ("stride_h", c_int64),
        ("stride_w", c_int64),
        ("dilation", c_int64),
        ("dilation_h", c_int64),
        ("dilation_w", c_int64),
        ("padding", c_int64),
        ("padding_h", c_int64),
        ("padding_w", c_int64),
        ("output_padding", c_int64),
        ("output_padding_h", c_int64),
        ("output_padding_w", c_int64),
        ("output_size", c_int64),
        ("output_size_h", c_int64),
        ("output_size_w", c_int64),
        ("groups", c_int64),
        ("dtype", c_int),
        ("no_bias", c_bool),
        ("reserved", c_ubyte * 3),
    ]
    _nonzero_: Names = ("stride", "dilation", "groups",)
    _enums_: Enums = {"dtype": DType}


class cnn_conv_transpose3d_options(Structure):
    """Options of a transposed 3-D convolution; zero means the default. A field for all directions gives way to
    `_d`, `_h` and `_w`."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("kernel", c_int64),
        ("kernel_d", c_int64),
        ("kernel_h", c_int64),
        ("kernel_w", c_int64),
        ("stride", c_int64),
        ("stride_d", c_int64),
        ("stride_h", c_int64),
        ("stride_w", c_int64),
        ("dilation", c_int64),
        ("dilation_d", c_int64),
        ("dilation_h", c_int64),
        ("dilation_w", c_int64),
        ("padding", c_int64),
        ("padding_d", c_int64),
        ("padding_h", c_int64),
        ("padding_w", c_int64),
        ("output_padding", c_int64),
        ("output_padding_d", c_int64),
        ("output_padding_h", c_int64),
        ("output_padding_w", c_int64),
        ("output_size", c_int64),
        ("output_size_d", c_int64),
        ("output_size_h", c_int64),
        ("output_size_w", c_int64),
        ("groups", c_int64),
        ("dtype", c_int),
        ("no_bias", c_bool),
        ("reserved", c_ubyte * 3),
    ]
    _nonzero_: Names = ("stride", "dilation", "groups",)
    _enums_: Enums = {"dtype": DType}


class cnn_gelu_options(Structure):
    """Options of cnn_gelu() and cnn_gelu_create(); zero means the default."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("approximate_tanh", c_bool),
        ("reserved", c_ubyte * 7),
    ]
    _enums_: Enums = {}


class cnn_unfold_options(Structure):
    """Options of unfold and fold; zero means the default. A field for both directions gives way to `_h` and
    `_w`."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("kernel", c_int64),
        ("kernel_h", c_int64),
        ("kernel_w", c_int64),
        ("stride", c_int64),
        ("stride_h", c_int64),
        ("stride_w", c_int64),
        ("padding", c_int64),
        ("padding_h", c_int64),
        ("padding_w", c_int64),
        ("dilation", c_int64),
        ("dilation_h", c_int64),
        ("dilation_w", c_int64),
        ("reserved", c_ubyte * 8),
    ]
    _nonzero_: Names = ("stride", "dilation",)
    _enums_: Enums = {}


class cnn_embedding_options(Structure):
    """Options of an embedding; zero means the default."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("padding_idx", c_int64),
        ("dtype", c_int),
        ("has_padding_idx", c_bool),
        ("reserved", c_ubyte * 3),
    ]
    _enums_: Enums = {"dtype": DType}


class cnn_cross_entropy_options(Structure):
    """Options of the cross-entropy loss; zero means the default."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("weight", c_void_p),
        ("ignore_index", c_int64),
        ("label_smoothing", c_double),
        ("reduction", c_int),
        ("has_ignore_index", c_bool),
        ("reserved", c_ubyte * 3),
    ]
    _enums_: Enums = {"reduction": Reduction}


class cnn_nll_loss_options(Structure):
    """Options of cnn_nll_loss(); zero means the default."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("weight", c_void_p),
        ("ignore_index", c_int64),
        ("reduction", c_int),
        ("has_ignore_index", c_bool),
        ("reserved", c_ubyte * 3),
    ]
    _enums_: Enums = {"reduction": Reduction}


class cnn_multi_margin_loss_options(Structure):
    """Options of cnn_multi_margin_loss(); zero means the default."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("weight", c_void_p),
        ("margin", c_double),
        ("p", c_int),
        ("reduction", c_int),
        ("reserved", c_ubyte * 8),
    ]
    _nonzero_: Names = ("p",)
    _enums_: Enums = {"reduction": Reduction}


class cnn_ctc_loss_options(Structure):
    """Options of cnn_ctc_loss(); zero means the default."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("blank", c_int64),
        ("reduction", c_int),
        ("zero_infinity", c_bool),
        ("reserved", c_ubyte * 3),
    ]
    _enums_: Enums = {"reduction": Reduction}


class cnn_loss_options(Structure):
    """Options of the losses that have no others."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("reduction", c_int),
        ("reserved", c_ubyte * 4),
    ]
    _enums_: Enums = {"reduction": Reduction}


class cnn_smooth_l1_loss_options(Structure):
    """Options of cnn_smooth_l1_loss()."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("beta", c_double),
        ("reduction", c_int),
        ("reserved", c_ubyte * 4),
    ]
    _enums_: Enums = {"reduction": Reduction}


class cnn_huber_loss_options(Structure):
    """Options of cnn_huber_loss()."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("delta", c_double),
        ("reduction", c_int),
        ("reserved", c_ubyte * 4),
    ]
    _enums_: Enums = {"reduction": Reduction}


class cnn_bce_options(Structure):
    """Options of cnn_binary_cross_entropy()."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("weight", c_void_p),
        ("reduction", c_int),
        ("reserved", c_ubyte * 4),
    ]
    _enums_: Enums = {"reduction": Reduction}


class cnn_bce_with_logits_options(Structure):
    """Options of cnn_binary_cross_entropy_with_logits()."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("weight", c_void_p),
        ("pos_weight", c_void_p),
        ("reduction", c_int),
        ("reserved", c_ubyte * 4),
    ]
    _enums_: Enums = {"reduction": Reduction}


class cnn_kl_div_options(Structure):
    """Options of cnn_kl_div()."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("reduction", c_int),
        ("log_target", c_bool),
        ("reserved", c_ubyte * 3),
    ]
    _enums_: Enums = {"reduction": Reduction}


class cnn_poisson_nll_loss_options(Structure):
    """Options of cnn_poisson_nll_loss()."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("eps", c_double),
        ("reduction", c_int),
        ("no_log_input", c_bool),
        ("full", c_bool),
        ("reserved", c_ubyte * 2),
    ]
    _enums_: Enums = {"reduction": Reduction}


class cnn_gaussian_nll_loss_options(Structure):
    """Options of cnn_gaussian_nll_loss()."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("eps", c_double),
        ("reduction", c_int),
        ("full", c_bool),
        ("reserved", c_ubyte * 3),
    ]
    _enums_: Enums = {"reduction": Reduction}


class cnn_margin_loss_options(Structure):
    """Options of the losses with a margin between two things."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("margin", c_double),
        ("reduction", c_int),
        ("reserved", c_ubyte * 4),
    ]
    _enums_: Enums = {"reduction": Reduction}


class cnn_triplet_margin_loss_options(Structure):
    """Options of cnn_triplet_margin_loss()."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("margin", c_double),
        ("p", c_double),
        ("eps", c_double),
        ("reduction", c_int),
        ("swap", c_bool),
        ("reserved", c_ubyte * 3),
    ]
    _enums_: Enums = {"reduction": Reduction}


class cnn_batch_norm_options(Structure):
    """Options of batch normalisation; zero means the default."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("momentum", c_double),
        ("eps", c_double),
        ("dtype", c_int),
        ("no_affine", c_bool),
        ("no_running", c_bool),
        ("cumulative", c_bool),
        ("reserved", c_ubyte * 1),
    ]
    _enums_: Enums = {"dtype": DType}


class cnn_norm_options(Structure):
    """Options of layer, group and RMS normalisation; zero means the default."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("eps", c_double),
        ("dtype", c_int),
        ("no_affine", c_bool),
        ("no_bias", c_bool),
        ("reserved", c_ubyte * 2),
    ]
    _enums_: Enums = {"dtype": DType}


class cnn_local_response_norm_options(Structure):
    """Options of local response normalisation; zero means the default, CNN_ZERO means 0."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("alpha", c_double),
        ("beta", c_double),
        ("k", c_double),
        ("reserved", c_ubyte * 8),
    ]
    _enums_: Enums = {}


class cnn_maxpool2d_options(Structure):
    """Options of 2-D max pooling; zero means the default. A field for both directions gives way to `_h` and
    `_w`."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("kernel", c_int64),
        ("kernel_h", c_int64),
        ("kernel_w", c_int64),
        ("stride", c_int64),
        ("stride_h", c_int64),
        ("stride_w", c_int64),
        ("padding", c_int64),
        ("padding_h", c_int64),
        ("padding_w", c_int64),
        ("dilation", c_int64),
        ("dilation_h", c_int64),
        ("dilation_w", c_int64),
        ("ceil_mode", c_bool),
        ("reserved", c_ubyte * 7),
    ]
    _nonzero_: Names = ("dilation",)
    _enums_: Enums = {}


class cnn_avg_pool2d_options(Structure):
    """Options of 2-D average pooling; zero means the default. A field for both directions gives way to `_h` and
    `_w`."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("kernel", c_int64),
        ("kernel_h", c_int64),
        ("kernel_w", c_int64),
        ("stride", c_int64),
        ("stride_h", c_int64),
        ("stride_w", c_int64),
        ("padding", c_int64),
        ("padding_h", c_int64),
        ("padding_w", c_int64),
        ("divisor_override", c_int64),
        ("ceil_mode", c_bool),
        ("exclude_padding", c_bool),
        ("reserved", c_ubyte * 6),
    ]
    _enums_: Enums = {}


class cnn_maxpool1d_options(Structure):
    """Options of 1-D max pooling; zero means the default."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("kernel", c_int64),
        ("stride", c_int64),
        ("padding", c_int64),
        ("dilation", c_int64),
        ("ceil_mode", c_bool),
        ("reserved", c_ubyte * 7),
    ]
    _nonzero_: Names = ("dilation",)
    _enums_: Enums = {}


class cnn_avg_pool1d_options(Structure):
    """Options of 1-D average pooling; zero means the default."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("kernel", c_int64),
        ("stride", c_int64),
        ("padding", c_int64),
        ("ceil_mode", c_bool),
        ("exclude_padding", c_bool),
        ("reserved", c_ubyte * 6),
    ]
    _enums_: Enums = {}


class cnn_pad_options(Structure):
    """Options of padding; zero means the default."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("value", c_double),
        ("mode", c_int),
        ("reserved", c_ubyte * 4),
    ]
    _enums_: Enums = {"mode": PadMode}


class cnn_interpolate_options(Structure):
    """Options of interpolation; zero means the default. A field for all directions gives way to `_d`, `_h` and
    `_w`."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("size", c_int64),
        ("size_d", c_int64),
        ("size_h", c_int64),
        ("size_w", c_int64),
        ("scale_factor", c_double),
        ("scale_factor_d", c_double),
        ("scale_factor_h", c_double),
        ("scale_factor_w", c_double),
        ("mode", c_int),
        ("align_corners", c_bool),
        ("recompute_scale_factor", c_bool),
        ("reserved", c_ubyte * 2),
    ]
    _enums_: Enums = {"mode": InterpolateMode}


class cnn_rnn_options(Structure):
    """Options of recurrent networks; zero means the default."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("num_layers", c_int64),
        ("dropout", c_double),
        ("dtype", c_int),
        ("reverse", c_bool),
        ("bidirectional", c_bool),
        ("batch_first", c_bool),
        ("no_bias", c_bool),
        ("relu", c_bool),
        ("reserved", c_ubyte * 7),
    ]
    _nonzero_: Names = ("num_layers",)
    _enums_: Enums = {"dtype": DType}


class cnn_adadelta_options(Structure):
    """Options of Adadelta and of its parameter groups; zero means the default, CNN_ZERO means 0."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("lr", c_double),
        ("rho", c_double),
        ("eps", c_double),
        ("weight_decay", c_double),
        ("maximize", c_bool),
        ("reserved", c_ubyte * 7),
    ]
    _enums_: Enums = {}


class cnn_adagrad_options(Structure):
    """Options of Adagrad and of its parameter groups; zero means the default, CNN_ZERO means 0."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("lr", c_double),
        ("lr_decay", c_double),
        ("weight_decay", c_double),
        ("initial_accumulator_value", c_double),
        ("eps", c_double),
        ("maximize", c_bool),
        ("reserved", c_ubyte * 7),
    ]
    _enums_: Enums = {}


class cnn_adam_options(Structure):
    """Options of Adam and AdamW and of their parameter groups; zero means the default, CNN_ZERO means 0."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("lr", c_double),
        ("beta1", c_double),
        ("beta2", c_double),
        ("eps", c_double),
        ("weight_decay", c_double),
        ("amsgrad", c_bool),
        ("maximize", c_bool),
        ("reserved", c_ubyte * 6),
    ]
    _enums_: Enums = {}


class cnn_adamax_options(Structure):
    """Options of Adamax and of its parameter groups; zero means the default, CNN_ZERO means 0."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("lr", c_double),
        ("beta1", c_double),
        ("beta2", c_double),
        ("eps", c_double),
        ("weight_decay", c_double),
        ("maximize", c_bool),
        ("reserved", c_ubyte * 7),
    ]
    _enums_: Enums = {}


class cnn_lamb_options(Structure):
    """Options of LAMB and of its parameter groups; zero means the default, CNN_ZERO means 0."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("lr", c_double),
        ("beta1", c_double),
        ("beta2", c_double),
        ("eps", c_double),
        ("weight_decay", c_double),
        ("maximize", c_bool),
        ("reserved", c_ubyte * 7),
    ]
    _enums_: Enums = {}


class cnn_lars_options(Structure):
    """Options of LARS and of its parameter groups; zero means the default, CNN_ZERO means 0."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("lr", c_double),
        ("momentum", c_double),
        ("weight_decay", c_double),
        ("trust_coefficient", c_double),
        ("maximize", c_bool),
        ("reserved", c_ubyte * 7),
    ]
    _enums_: Enums = {}


class cnn_lion_options(Structure):
    """Options of Lion and of its parameter groups; zero means the default, CNN_ZERO means 0."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("lr", c_double),
        ("beta1", c_double),
        ("beta2", c_double),
        ("weight_decay", c_double),
        ("maximize", c_bool),
        ("reserved", c_ubyte * 7),
    ]
    _enums_: Enums = {}


class cnn_muon_options(Structure):
    """Options of Muon and of its parameter groups; zero means the default, CNN_ZERO means 0."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("lr", c_double),
        ("weight_decay", c_double),
        ("momentum", c_double),
        ("ns_a", c_double),
        ("ns_b", c_double),
        ("ns_c", c_double),
        ("eps", c_double),
        ("ns_steps", c_double),
        ("no_nesterov", c_bool),
        ("match_rms_adamw", c_bool),
        ("spectral_unclamped", c_bool),
        ("reserved", c_ubyte * 5),
    ]
    _enums_: Enums = {}


class cnn_nadam_options(Structure):
    """Options of NAdam and of its parameter groups; zero means the default, CNN_ZERO means 0."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("lr", c_double),
        ("beta1", c_double),
        ("beta2", c_double),
        ("eps", c_double),
        ("weight_decay", c_double),
        ("momentum_decay", c_double),
        ("decoupled_weight_decay", c_bool),
        ("maximize", c_bool),
        ("reserved", c_ubyte * 6),
    ]
    _enums_: Enums = {}


class cnn_radam_options(Structure):
    """Options of RAdam and of its parameter groups; zero means the default, CNN_ZERO means 0."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("lr", c_double),
        ("beta1", c_double),
        ("beta2", c_double),
        ("eps", c_double),
        ("weight_decay", c_double),
        ("decoupled_weight_decay", c_bool),
        ("maximize", c_bool),
        ("reserved", c_ubyte * 6),
    ]
    _enums_: Enums = {}


class cnn_rmsprop_options(Structure):
    """Options of RMSprop and of its parameter groups; zero means the default, CNN_ZERO means 0."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("lr", c_double),
        ("alpha", c_double),
        ("eps", c_double),
        ("weight_decay", c_double),
        ("momentum", c_double),
        ("centered", c_bool),
        ("maximize", c_bool),
        ("reserved", c_ubyte * 6),
    ]
    _enums_: Enums = {}


class cnn_sgd_options(Structure):
    """Options of SGD and of its parameter groups; zero means the default."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("lr", c_double),
        ("momentum", c_double),
        ("dampening", c_double),
        ("weight_decay", c_double),
        ("nesterov", c_bool),
        ("maximize", c_bool),
        ("reserved", c_ubyte * 6),
    ]
    _enums_: Enums = {}


class cnn_predictor_options(Structure):
    """Options of cnn_predictor_create(); zeros are the defaults."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("output_count", c_int),
        ("calls", c_int),
        ("reserved", c_ubyte * 8),
    ]
    _nonzero_: Names = ("output_count", "calls",)
    _enums_: Enums = {}


class cnn_predictor_value(Structure):
    """What goes in or comes out."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("bytes", c_size_t),
        ("shape", c_int64 * 8),
        ("dtype", c_int),
        ("ndim", c_int),
        ("reserved", c_ubyte * 8),
    ]
    _enums_: Enums = {"dtype": DType}


class cnn_profile_options(Structure):
    """Options of cnn_profile_begin(); zero means the default."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("limit", c_int64),
        ("synchronize", c_bool),
        ("reserved", c_ubyte * 7),
    ]
    _enums_: Enums = {}


class cnn_profile_event(Structure):
    """An event. The library makes these; later versions may add members at the end."""

    _fields_ = [
        ("kind", c_int),
        ("thread", c_int),
        ("name", c_char_p),
        ("kernel", c_char_p),
        ("path", c_char_p),
        ("backward", c_bool),
        ("queued", c_bool),
        ("reserved", c_ubyte * 6),
        ("start", c_double),
        ("seconds", c_double),
        ("self_seconds", c_double),
        ("flops", c_double),
        ("bytes", c_double),
    ]
    _enums_: Enums = {"kind": ProfileKind}


class cnn_sampler_callbacks(Structure):
    """A sampler of the user's."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("count", c_int64),
        ("order", CFUNCTYPE(c_int, c_uint64, c_int64, POINTER(c_int64), c_void_p)),
        ("free_user", CFUNCTYPE(None, c_void_p)),
        ("user", c_void_p),
        ("reserved", c_ubyte * 8),
    ]
    _enums_: Enums = {}


class cnn_step_lr_options(Structure):
    """Options of cnn_step_lr_create()."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("step_size", c_int64),
        ("gamma", c_double),
        ("reserved", c_ubyte * 8),
    ]
    _enums_: Enums = {}


class cnn_multi_step_lr_options(Structure):
    """Options of cnn_multi_step_lr_create()."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("milestones", POINTER(c_int64)),
        ("milestone_count", c_int64),
        ("gamma", c_double),
        ("reserved", c_ubyte * 8),
    ]
    _enums_: Enums = {}


class cnn_constant_lr_options(Structure):
    """Options of cnn_constant_lr_create()."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("factor", c_double),
        ("total_iters", c_int64),
        ("reserved", c_ubyte * 8),
    ]
    _nonzero_: Names = ("total_iters",)
    _enums_: Enums = {}


class cnn_linear_lr_options(Structure):
    """Options of cnn_linear_lr_create()."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("start_factor", c_double),
        ("end_factor", c_double),
        ("total_iters", c_int64),
        ("reserved", c_ubyte * 8),
    ]
    _nonzero_: Names = ("total_iters",)
    _enums_: Enums = {}


class cnn_exponential_lr_options(Structure):
    """Options of cnn_exponential_lr_create()."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("gamma", c_double),
        ("reserved", c_ubyte * 8),
    ]
    _enums_: Enums = {}


class cnn_polynomial_lr_options(Structure):
    """Options of cnn_polynomial_lr_create()."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("total_iters", c_int64),
        ("power", c_double),
        ("reserved", c_ubyte * 8),
    ]
    _nonzero_: Names = ("total_iters",)
    _enums_: Enums = {}


class cnn_cosine_annealing_lr_options(Structure):
    """Options of cnn_cosine_annealing_lr_create()."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("T_max", c_int64),
        ("eta_min", c_double),
        ("reserved", c_ubyte * 8),
    ]
    _enums_: Enums = {}


class cnn_cosine_annealing_warm_restarts_options(Structure):
    """Options of cnn_cosine_annealing_warm_restarts_create()."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("T_0", c_int64),
        ("T_mult", c_int64),
        ("eta_min", c_double),
        ("reserved", c_ubyte * 8),
    ]
    _nonzero_: Names = ("T_mult",)
    _enums_: Enums = {}


class cnn_one_cycle_lr_options(Structure):
    """Options of cnn_one_cycle_lr_create()."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("max_lr", c_double),
        ("max_lrs", POINTER(c_double)),
        ("max_lr_count", c_int64),
        ("total_steps", c_int64),
        ("epochs", c_int64),
        ("steps_per_epoch", c_int64),
        ("pct_start", c_double),
        ("base_momentum", c_double),
        ("max_momentum", c_double),
        ("div_factor", c_double),
        ("final_div_factor", c_double),
        ("anneal_strategy", c_int),
        ("no_cycle_momentum", c_bool),
        ("three_phase", c_bool),
        ("reserved", c_ubyte * 2),
    ]
    _enums_: Enums = {"anneal_strategy": AnnealStrategy}


class cnn_lambda_lr_options(Structure):
    """Options of cnn_lambda_lr_create()."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("lr_lambda", cnn_lr_lambda_fn),
        ("user", c_void_p),
        ("reserved", c_ubyte * 8),
    ]
    _enums_: Enums = {}


class cnn_reduce_lr_on_plateau_options(Structure):
    """Options of cnn_reduce_lr_on_plateau_create()."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("factor", c_double),
        ("patience", c_int64),
        ("threshold", c_double),
        ("cooldown", c_int64),
        ("min_lr", c_double),
        ("min_lrs", POINTER(c_double)),
        ("min_lr_count", c_int64),
        ("eps", c_double),
        ("mode", c_int),
        ("threshold_mode", c_int),
        ("no_patience", c_bool),
        ("reserved", c_ubyte * 7),
    ]
    _enums_: Enums = {"mode": PlateauMode, "threshold_mode": ThresholdMode}


class cnn_gradcheck_options(Structure):
    """Options of cnn_gradcheck(); zero means the default."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("eps", c_double),
        ("atol", c_double),
        ("rtol", c_double),
        ("reserved", c_ubyte * 8),
    ]
    _enums_: Enums = {}


class cnn_custom_output(Structure):
    """One result of a custom operation, as its infer_many describes it; before that, a scalar of the first
    operand's dtype."""

    _fields_ = [
        ("dtype", c_int),
        ("ndim", c_int),
        ("shape", c_int64 * 8),
        ("reserved", c_ubyte * 8),
    ]
    _enums_: Enums = {"dtype": DType}


class cnn_custom_op(Structure):
    """An operation of the user's own. All tensors are contiguous; those handed to a callback are valid during
    it. Callbacks must return normally: no exception, longjmp() or pthread_exit() may leave them
    (docs/concepts.md).

    An operation with one result has infer, forward and, if it has a gradient, backward. One with several
    results has infer_many, forward_many and backward_many in their place."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("name", c_char_p),
        ("infer", CFUNCTYPE(c_int, POINTER(c_void_p), c_int, POINTER(c_int), POINTER(c_int), POINTER(c_int64), c_void_p)),
        ("forward", CFUNCTYPE(c_int, POINTER(c_void_p), c_int, c_void_p, c_void_p)),
        ("backward", CFUNCTYPE(c_int, POINTER(c_void_p), c_int, c_void_p, c_void_p, POINTER(c_void_p), c_void_p)),
        ("infer_many", CFUNCTYPE(c_int, POINTER(c_void_p), c_int, c_void_p, c_int, c_void_p)),
        ("forward_many", CFUNCTYPE(c_int, POINTER(c_void_p), c_int, POINTER(c_void_p), c_int, c_void_p)),
        ("backward_many", CFUNCTYPE(c_int, POINTER(c_void_p), c_int, POINTER(c_void_p), POINTER(c_void_p), c_int, POINTER(c_void_p), c_void_p)),
        ("reserved", c_ubyte * 8),
    ]
    _enums_: Enums = {}


class cnn_trace_input(Structure):
    """An input of the module."""

    _fields_ = [
        ("shape", POINTER(c_int64)),
        ("ndim", c_int),
        ("dtype", c_int),
        ("left_out", c_bool),
        ("reserved", c_ubyte * 7),
    ]
    _enums_: Enums = {"dtype": DType}


class cnn_trace_options(Structure):
    """Options of cnn_trace_create(); zero means the default."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("output_count", c_int),
        ("training", c_bool),
        ("reserved", c_ubyte * 3),
    ]
    _nonzero_: Names = ("output_count",)
    _enums_: Enums = {}


class cnn_trace_value(Structure):
    """A value. The library makes these; later versions may add members at the end."""

    _fields_ = [
        ("kind", c_int),
        ("dtype", c_int),
        ("ndim", c_int),
        ("node", c_int),
        ("shape", POINTER(c_int64)),
        ("name", c_char_p),
        ("tensor", c_void_p),
    ]
    _enums_: Enums = {"kind": ValueKind, "dtype": DType}


class cnn_trace_attribute(Structure):
    """An attribute of an operation, such as the stride of a convolution."""

    _fields_ = [
        ("name", c_char_p),
        ("ints", POINTER(c_int64)),
        ("reals", POINTER(c_double)),
        ("text", c_char_p),
        ("type", c_int),
        ("count", c_int),
        ("list", c_bool),
        ("reserved", c_ubyte * 7),
    ]
    _enums_: Enums = {"type": AttributeType}


class cnn_trace_node(Structure):
    """An operation. The library makes these; later versions may add members at the end."""

    _fields_ = [
        ("op", c_char_p),
        ("path", c_char_p),
        ("module", c_void_p),
        ("inputs", POINTER(c_int)),
        ("outputs", POINTER(c_int)),
        ("attributes", POINTER(cnn_trace_attribute)),
        ("input_count", c_int),
        ("output_count", c_int),
        ("attribute_count", c_int),
        ("reserved", c_int),
        ("flops", c_double),
        ("bytes", c_double),
    ]
    _enums_: Enums = {}


cnn_sigmoid_options = cnn_activation_options

cnn_tanh_options = cnn_activation_options

cnn_softmax_options = cnn_activation_options

cnn_log_softmax_options = cnn_activation_options

cnn_identity_options = cnn_activation_options

cnn_adaptive_avg_pool1d_options = cnn_image_layer_options

cnn_adaptive_avg_pool2d_options = cnn_image_layer_options

cnn_adaptive_maxpool2d_options = cnn_image_layer_options

cnn_pixel_shuffle_options = cnn_image_layer_options

cnn_pixel_unshuffle_options = cnn_image_layer_options

cnn_channel_shuffle_options = cnn_image_layer_options

cnn_unflatten_options = cnn_image_layer_options

cnn_upsample_options = cnn_interpolate_options

cnn_fold_options = cnn_unfold_options

cnn_zero_pad2d_options = cnn_pad2d_options

cnn_reflection_pad2d_options = cnn_pad2d_options

cnn_replication_pad2d_options = cnn_pad2d_options

cnn_batch_norm1d_options = cnn_batch_norm_options

cnn_layer_norm_options = cnn_norm_options

cnn_rms_norm_options = cnn_norm_options

cnn_group_norm_options = cnn_norm_options

cnn_instance_norm1d_options = cnn_instance_norm_options

cnn_instance_norm2d_options = cnn_instance_norm_options

cnn_dropout1d_options = cnn_feature_dropout_options

cnn_dropout2d_options = cnn_feature_dropout_options

cnn_alpha_dropout_options = cnn_feature_dropout_options

cnn_selu_options = cnn_activation_options

cnn_silu_options = cnn_activation_options

cnn_mish_options = cnn_activation_options

cnn_logsigmoid_options = cnn_activation_options

cnn_softsign_options = cnn_activation_options

cnn_hardswish_options = cnn_activation_options

cnn_hardsigmoid_options = cnn_activation_options

cnn_relu6_options = cnn_activation_options

cnn_tanhshrink_options = cnn_activation_options

cnn_gru_options = cnn_rnn_options

cnn_lstm_options = cnn_rnn_options


# Name: (result, parameters).
FUNCTIONS = {
    "cnn_prelu_create": (c_void_p, (c_void_p, POINTER(cnn_prelu_options))),
    "cnn_sigmoid_create": (c_void_p, (c_void_p, POINTER(cnn_activation_options))),
    "cnn_tanh_create": (c_void_p, (c_void_p, POINTER(cnn_activation_options))),
    "cnn_softmax_create": (c_void_p, (c_void_p, c_int, POINTER(cnn_activation_options))),
    "cnn_log_softmax_create": (c_void_p, (c_void_p, c_int, POINTER(cnn_activation_options))),
    "cnn_identity_create": (c_void_p, (c_void_p, POINTER(cnn_activation_options))),
    "cnn_multihead_attention_create": (c_void_p, (c_void_p, c_int64, c_int64, POINTER(cnn_multihead_attention_options))),
    "cnn_multihead_attention_forward": (c_void_p, (c_void_p, c_void_p, c_void_p, c_void_p, c_void_p, c_void_p, POINTER(c_void_p), POINTER(c_void_p))),
    "cnn_transformer_encoder_layer_create": (c_void_p, (c_void_p, c_int64, c_int64, POINTER(cnn_transformer_encoder_layer_options))),
    "cnn_transformer_encoder_create": (c_void_p, (c_void_p, c_void_p, c_int64, c_void_p)),
    "cnn_augmentation_new": (c_void_p, (c_void_p,)),
    "cnn_augmentation_free": (None, (c_void_p,)),
    "cnn_dataset_augment": (c_void_p, (c_void_p, c_void_p)),
    "cnn_augment_random_crop_with": (c_int, (c_void_p, c_int64, c_int64, POINTER(cnn_random_crop_options))),
    "cnn_augment_random_shift": (c_int, (c_void_p, c_int64, c_int)),
    "cnn_augment_center_crop": (c_int, (c_void_p, c_int64, c_int64)),
    "cnn_augment_resize_with": (c_int, (c_void_p, c_int64, c_int64, POINTER(cnn_resize_options))),
    "cnn_augment_random_resized_crop_with": (c_int, (c_void_p, c_int64, c_int64, POINTER(cnn_random_resized_crop_options))),
    "cnn_augment_horizontal_flip": (c_int, (c_void_p, c_double)),
    "cnn_augment_vertical_flip": (c_int, (c_void_p, c_double)),
    "cnn_augment_random_rotation_with": (c_int, (c_void_p, c_double, c_double, POINTER(cnn_random_rotation_options))),
    "cnn_augment_random_affine_with": (c_int, (c_void_p, c_double, c_double, POINTER(cnn_random_affine_options))),
    "cnn_augment_color_jitter_with": (c_int, (c_void_p, POINTER(cnn_color_jitter_options))),
    "cnn_augment_random_grayscale": (c_int, (c_void_p, c_double)),
    "cnn_augment_normalize": (c_int, (c_void_p, c_int, POINTER(c_double), POINTER(c_double))),
    "cnn_augment_random_erasing_with": (c_int, (c_void_p, POINTER(cnn_random_erasing_options))),
    "cnn_random_uniform": (c_double, (c_void_p, c_double, c_double)),
    "cnn_random_integer": (c_int64, (c_void_p, c_int64)),
    "cnn_augment_custom": (c_int, (c_void_p, cnn_transform_fn, cnn_transform_free_fn, c_void_p)),
    "cnn_mixup": (c_int, (c_void_p, c_void_p, c_int64, c_double, POINTER(c_void_p), POINTER(c_void_p))),
    "cnn_cutmix": (c_int, (c_void_p, c_void_p, c_int64, c_double, POINTER(c_void_p), POINTER(c_void_p))),
    "cnn_grad": (c_int, (POINTER(c_void_p), c_int, POINTER(c_void_p), c_int, POINTER(c_void_p), POINTER(cnn_grad_options))),
    "cnn_register_hook": (c_int, (c_void_p, cnn_hook_fn, c_void_p)),
    "cnn_tape_set_anomaly": (c_int, (c_void_p, c_int)),
    "cnn_module_save": (c_int, (c_void_p, c_char_p)),
    "cnn_module_load": (c_int, (c_void_p, c_char_p)),
    "cnn_module_load_with": (c_int, (c_void_p, c_char_p, POINTER(cnn_load_options), POINTER(c_void_p))),
    "cnn_load_report_count": (c_int, (c_void_p,)),
    "cnn_load_report_loaded": (c_int, (c_void_p,)),
    "cnn_load_report_problem": (c_int, (c_void_p, c_int)),
    "cnn_load_report_name": (c_char_p, (c_void_p, c_int)),
    "cnn_load_report_found": (c_char_p, (c_void_p, c_int)),
    "cnn_load_report_expected": (c_char_p, (c_void_p, c_int)),
    "cnn_load_report_free": (None, (c_void_p,)),
    "cnn_checkpoint_save": (c_int, (POINTER(cnn_checkpoint), c_char_p)),
    "cnn_checkpoint_load": (c_int, (POINTER(cnn_checkpoint), c_char_p)),
    "cnn_tensors_save": (c_int, (POINTER(c_char_p), POINTER(c_void_p), c_int, c_char_p)),
    "cnn_tensor_load": (c_void_p, (c_void_p, c_char_p, c_char_p)),
    "cnn_clip_grad_norm": (c_int, (c_void_p, c_double, POINTER(cnn_clip_grad_norm_options), POINTER(c_double))),
    "cnn_clip_grad_norm_for": (c_int, (POINTER(c_void_p), c_int, c_double, POINTER(cnn_clip_grad_norm_options), POINTER(c_double))),
    "cnn_clip_grad_value": (c_int, (c_void_p, c_double)),
    "cnn_clip_grad_value_for": (c_int, (POINTER(c_void_p), c_int, c_double)),
    "cnn_context_create": (c_void_p, (POINTER(cnn_context_options),)),
    "cnn_context_free": (None, (c_void_p,)),
    "cnn_context_packed_memory": (c_size_t, (c_void_p,)),
    "cnn_context_threads": (c_int, (c_void_p,)),
    "cnn_context_device": (c_char_p, (c_void_p,)),
    "cnn_context_kernels": (c_char_p, (c_void_p,)),
    "cnn_context_math": (c_int, (c_void_p,)),
    "cnn_parallel_for": (c_int, (c_void_p, c_int64, c_double, cnn_range_fn, c_void_p)),
    "cnn_context_random_state": (c_int, (c_void_p, POINTER(cnn_random_state))),
    "cnn_context_set_random_state": (c_int, (c_void_p, POINTER(cnn_random_state))),
    "cnn_last_error": (c_char_p, (c_void_p,)),
    "cnn_context_status": (c_int, (c_void_p,)),
    "cnn_context_set_error": (c_int, (c_void_p, c_int, c_char_p)),
    "cnn_context_clear_error": (None, (c_void_p,)),
    "cnn_mnist_open": (c_void_p, (c_void_p, c_char_p, c_int)),
    "cnn_mnist_find": (c_int, (c_void_p, c_char_p, c_int, c_int)),
    "cnn_cifar10_open": (c_void_p, (c_void_p, c_char_p, c_int)),
    "cnn_cifar100_open": (c_void_p, (c_void_p, c_char_p, c_int, c_bool)),
    "cnn_dataset_class_count": (c_int64, (c_void_p,)),
    "cnn_dataset_class_name": (c_char_p, (c_void_p, c_int64)),
    "cnn_idx_read": (c_void_p, (c_void_p, c_char_p)),
    "cnn_dataset_from_tensors": (c_void_p, (c_void_p, c_void_p)),
    "cnn_dataset_from_callbacks": (c_void_p, (c_void_p, POINTER(cnn_dataset_callbacks))),
    "cnn_dataset_share": (c_void_p, (c_void_p,)),
    "cnn_dataset_subset": (c_void_p, (c_void_p, POINTER(c_int64), c_int64)),
    "cnn_dataset_slice": (c_void_p, (c_void_p, c_int64, c_int64)),
    "cnn_dataset_random_split": (c_int, (c_void_p, POINTER(c_double), c_int, c_uint64, POINTER(c_void_p))),
    "cnn_dataset_free": (None, (c_void_p,)),
    "cnn_dataset_size": (c_int64, (c_void_p,)),
    "cnn_dataset_normalize": (c_int, (c_void_p, c_int, POINTER(c_double), POINTER(c_double))),
    "cnn_dataset_get": (c_int, (c_void_p, c_int64, POINTER(c_void_p), POINTER(c_void_p))),
    "cnn_device_count": (c_int, ()),
    "cnn_device_describe": (c_int, (c_int, POINTER(cnn_device_properties))),
    "cnn_device_available": (c_bool, (c_char_p,)),
    "cnn_device_problem": (c_char_p, ()),
    "cnn_context_synchronize": (c_int, (c_void_p,)),
    "cnn_tensor_to": (c_void_p, (c_void_p, c_void_p)),
    "cnn_module_to": (c_void_p, (c_void_p, c_void_p)),
    "cnn_tensor_to_dlpack": (POINTER(cnn_dlpack), (c_void_p,)),
    "cnn_tensor_to_dlpack_legacy": (POINTER(cnn_dlpack_legacy), (c_void_p,)),
    "cnn_tensor_from_dlpack": (c_void_p, (c_void_p, POINTER(cnn_dlpack))),
    "cnn_tensor_from_dlpack_legacy": (c_void_p, (c_void_p, POINTER(cnn_dlpack_legacy))),
    "cnn_ema_create": (c_void_p, (c_void_p, POINTER(cnn_ema_options))),
    "cnn_ema_update": (c_int, (c_void_p, c_void_p)),
    "cnn_ema_module": (c_void_p, (c_void_p,)),
    "cnn_ema_count": (c_int64, (c_void_p,)),
    "cnn_ema_free": (None, (c_void_p,)),
    "cnn_file_open": (c_void_p, (c_void_p, c_char_p)),
    "cnn_file_free": (None, (c_void_p,)),
    "cnn_file_count": (c_int, (c_void_p,)),
    "cnn_file_find": (c_int, (c_void_p, c_char_p)),
    "cnn_file_name": (c_char_p, (c_void_p, c_int)),
    "cnn_file_dtype_name": (c_char_p, (c_void_p, c_int)),
    "cnn_file_dtype": (c_int, (c_void_p, c_int, POINTER(c_int))),
    "cnn_file_ndim": (c_int, (c_void_p, c_int)),
    "cnn_file_shape": (POINTER(c_int64), (c_void_p, c_int)),
    "cnn_file_bytes": (c_int64, (c_void_p, c_int)),
    "cnn_file_read": (c_void_p, (c_void_p, c_int)),
    "cnn_file_metadata": (c_char_p, (c_void_p, c_char_p)),
    "cnn_file_metadata_count": (c_int, (c_void_p,)),
    "cnn_file_metadata_key": (c_char_p, (c_void_p, c_int)),
    "cnn_file_metadata_value": (c_char_p, (c_void_p, c_int)),
    "cnn_maxpool1d_create": (c_void_p, (c_void_p, POINTER(cnn_maxpool1d_options))),
    "cnn_avg_pool1d_create": (c_void_p, (c_void_p, POINTER(cnn_avg_pool1d_options))),
    "cnn_adaptive_avg_pool1d_create": (c_void_p, (c_void_p, c_int64, POINTER(cnn_image_layer_options))),
    "cnn_adaptive_avg_pool2d_create": (c_void_p, (c_void_p, c_int64, c_int64, POINTER(cnn_image_layer_options))),
    "cnn_adaptive_maxpool2d_create": (c_void_p, (c_void_p, c_int64, c_int64, POINTER(cnn_image_layer_options))),
    "cnn_zero_pad2d_create": (c_void_p, (c_void_p, POINTER(cnn_pad2d_options))),
    "cnn_constant_pad2d_create": (c_void_p, (c_void_p, POINTER(cnn_constant_pad2d_options))),
    "cnn_reflection_pad2d_create": (c_void_p, (c_void_p, POINTER(cnn_pad2d_options))),
    "cnn_replication_pad2d_create": (c_void_p, (c_void_p, POINTER(cnn_pad2d_options))),
    "cnn_upsample_create": (c_void_p, (c_void_p, POINTER(cnn_interpolate_options))),
    "cnn_pixel_shuffle_create": (c_void_p, (c_void_p, c_int64, POINTER(cnn_image_layer_options))),
    "cnn_pixel_unshuffle_create": (c_void_p, (c_void_p, c_int64, POINTER(cnn_image_layer_options))),
    "cnn_channel_shuffle_create": (c_void_p, (c_void_p, c_int64, POINTER(cnn_image_layer_options))),
    "cnn_unfold_create": (c_void_p, (c_void_p, POINTER(cnn_unfold_options))),
    "cnn_fold_create": (c_void_p, (c_void_p, c_int64, c_int64, POINTER(cnn_unfold_options))),
    "cnn_unflatten_create": (c_void_p, (c_void_p, c_int, c_int, POINTER(c_int64), POINTER(cnn_image_layer_options))),
    "cnn_init_gain": (c_double, (c_int, c_double)),
    "cnn_init_uniform": (c_int, (c_void_p, c_double, c_double)),
    "cnn_init_normal": (c_int, (c_void_p, c_double, c_double)),
    "cnn_init_trunc_normal": (c_int, (c_void_p, c_double, c_double, c_double, c_double)),
    "cnn_init_constant": (c_int, (c_void_p, c_double)),
    "cnn_init_ones": (c_int, (c_void_p,)),
    "cnn_init_zeros": (c_int, (c_void_p,)),
    "cnn_init_eye": (c_int, (c_void_p,)),
    "cnn_init_dirac": (c_int, (c_void_p, c_int64)),
    "cnn_init_xavier_uniform": (c_int, (c_void_p, c_double)),
    "cnn_init_xavier_normal": (c_int, (c_void_p, c_double)),
    "cnn_init_kaiming_uniform": (c_int, (c_void_p, POINTER(cnn_kaiming_options))),
    "cnn_init_kaiming_normal": (c_int, (c_void_p, POINTER(cnn_kaiming_options))),
    "cnn_init_orthogonal": (c_int, (c_void_p, c_double)),
    "cnn_init_sparse": (c_int, (c_void_p, c_double, c_double)),
    "cnn_loader_create": (c_void_p, (c_void_p, c_int64, POINTER(cnn_loader_options))),
    "cnn_loader_free": (None, (c_void_p,)),
    "cnn_loader_next": (c_bool, (c_void_p, POINTER(cnn_batch))),
    "cnn_loader_status": (c_int, (c_void_p,)),
    "cnn_loader_batch_count": (c_int64, (c_void_p,)),
    "cnn_loader_sample_count": (c_int64, (c_void_p,)),
    "cnn_loader_epoch": (c_int64, (c_void_p,)),
    "cnn_loader_set_epoch": (c_int, (c_void_p, c_int64)),
    "cnn_pad_collate": (c_int, (POINTER(c_void_p), POINTER(c_void_p), c_int64, POINTER(cnn_batch), c_void_p)),
    "cnn_top_k_correct": (c_int, (c_void_p, c_void_p, c_int64, POINTER(c_int64))),
    "cnn_confusion_matrix": (c_int, (c_void_p, c_void_p, c_int64, POINTER(c_int64))),
    "cnn_scores_of_classes": (c_int, (POINTER(c_int64), c_int64, POINTER(cnn_class_scores))),
    "cnn_average_scores": (c_int, (POINTER(c_int64), c_int64, c_int, POINTER(cnn_class_scores))),
    "cnn_roc_auc": (c_int, (c_void_p, c_void_p, POINTER(c_double))),
    "cnn_conv2d_create": (c_void_p, (c_void_p, c_int64, c_int64, POINTER(cnn_conv2d_options))),
    "cnn_relu_create": (c_void_p, (c_void_p, POINTER(cnn_relu_options))),
    "cnn_gelu_create": (c_void_p, (c_void_p, POINTER(cnn_gelu_options))),
    "cnn_maxpool2d_create": (c_void_p, (c_void_p, POINTER(cnn_maxpool2d_options))),
    "cnn_avg_pool2d_create": (c_void_p, (c_void_p, POINTER(cnn_avg_pool2d_options))),
    "cnn_batch_norm2d_create": (c_void_p, (c_void_p, c_int64, POINTER(cnn_batch_norm_options))),
    "cnn_dropout_create": (c_void_p, (c_void_p, c_double, POINTER(cnn_dropout_options))),
    "cnn_linear_create": (c_void_p, (c_void_p, c_int64, c_int64, POINTER(cnn_linear_options))),
    "cnn_embedding_create": (c_void_p, (c_void_p, c_int64, c_int64, POINTER(cnn_embedding_options))),
    "cnn_conv1d_create": (c_void_p, (c_void_p, c_int64, c_int64, POINTER(cnn_conv1d_options))),
    "cnn_conv3d_create": (c_void_p, (c_void_p, c_int64, c_int64, POINTER(cnn_conv3d_options))),
    "cnn_conv_transpose1d_create": (c_void_p, (c_void_p, c_int64, c_int64, POINTER(cnn_conv_transpose1d_options))),
    "cnn_conv_transpose2d_create": (c_void_p, (c_void_p, c_int64, c_int64, POINTER(cnn_conv_transpose2d_options))),
    "cnn_conv_transpose3d_create": (c_void_p, (c_void_p, c_int64, c_int64, POINTER(cnn_conv_transpose3d_options))),
    "cnn_flatten_create": (c_void_p, (c_void_p, POINTER(cnn_flatten_options))),
    "cnn_sequential_create": (c_void_p, (c_void_p, POINTER(c_void_p), c_int)),
    "cnn_module_create": (c_void_p, (c_void_p, POINTER(cnn_module_options))),
    "cnn_module_user": (c_void_p, (c_void_p, cnn_forward_many_fn)),
    "cnn_module_add": (c_void_p, (c_void_p, c_char_p, c_void_p)),
    "cnn_module_add_parameter": (c_void_p, (c_void_p, c_char_p, c_void_p)),
    "cnn_module_add_buffer": (c_void_p, (c_void_p, c_char_p, c_void_p)),
    "cnn_module_clone": (c_void_p, (c_void_p,)),
    "cnn_module_to_dtype": (c_void_p, (c_void_p, c_int)),
    "cnn_module_free": (None, (c_void_p,)),
    "cnn_module_set_mode": (c_int, (c_void_p, c_int)),
    "cnn_module_get_mode": (c_int, (c_void_p,)),
    "cnn_forward": (c_void_p, (c_void_p, c_void_p)),
    "cnn_forward_chain": (c_void_p, (POINTER(c_void_p), c_int, c_void_p)),
    "cnn_forward_recomputed": (c_void_p, (c_void_p, c_void_p)),
    "cnn_forward_many": (c_int, (c_void_p, c_void_p, POINTER(c_void_p), c_int, POINTER(c_void_p), c_int)),
    "cnn_module_type": (c_char_p, (c_void_p,)),
    "cnn_module_context": (c_void_p, (c_void_p,)),
    "cnn_module_child_count": (c_int, (c_void_p,)),
    "cnn_module_child": (c_void_p, (c_void_p, c_int, POINTER(c_char_p))),
    "cnn_module_state_count": (c_int, (c_void_p,)),
    "cnn_module_state": (c_void_p, (c_void_p, c_int)),
    "cnn_module_state_name": (c_size_t, (c_void_p, c_int, c_char_p, c_size_t)),
    "cnn_module_visit": (c_int, (c_void_p, cnn_visit_fn, c_void_p)),
    "cnn_module_find": (c_void_p, (c_void_p, c_char_p)),
    "cnn_module_parameter_count": (c_int, (c_void_p,)),
    "cnn_module_parameter": (c_void_p, (c_void_p, c_int)),
    "cnn_module_parameters": (c_int, (c_void_p, POINTER(c_void_p), c_int)),
    "cnn_module_parameter_numel": (c_int64, (c_void_p,)),
    "cnn_module_zero_grad": (c_int, (c_void_p,)),
    "cnn_module_copy_from": (c_int, (c_void_p, c_void_p)),
    "cnn_module_format": (c_size_t, (c_void_p, c_char_p, c_size_t)),
    "cnn_batch_norm1d_create": (c_void_p, (c_void_p, c_int64, POINTER(cnn_batch_norm_options))),
    "cnn_module_reset_running_stats": (c_int, (c_void_p,)),
    "cnn_module_set_cumulative": (c_int, (c_void_p, c_bool)),
    "cnn_instance_norm1d_create": (c_void_p, (c_void_p, c_int64, POINTER(cnn_instance_norm_options))),
    "cnn_instance_norm2d_create": (c_void_p, (c_void_p, c_int64, POINTER(cnn_instance_norm_options))),
    "cnn_layer_norm_create": (c_void_p, (c_void_p, c_int, POINTER(c_int64), POINTER(cnn_norm_options))),
    "cnn_rms_norm_create": (c_void_p, (c_void_p, c_int, POINTER(c_int64), POINTER(cnn_norm_options))),
    "cnn_group_norm_create": (c_void_p, (c_void_p, c_int64, c_int64, POINTER(cnn_norm_options))),
    "cnn_local_response_norm_create": (c_void_p, (c_void_p, c_int64, POINTER(cnn_local_response_norm_options))),
    "cnn_dropout1d_create": (c_void_p, (c_void_p, c_double, POINTER(cnn_feature_dropout_options))),
    "cnn_dropout2d_create": (c_void_p, (c_void_p, c_double, POINTER(cnn_feature_dropout_options))),
    "cnn_alpha_dropout_create": (c_void_p, (c_void_p, c_double, POINTER(cnn_feature_dropout_options))),
    "cnn_npy_load": (c_void_p, (c_void_p, c_char_p)),
    "cnn_npy_save": (c_int, (c_void_p, c_char_p)),
    "cnn_npz_save": (c_int, (POINTER(c_char_p), POINTER(c_void_p), c_int, c_char_p)),
    "cnn_npz_save_compressed": (c_int, (POINTER(c_char_p), POINTER(c_void_p), c_int, c_char_p)),
    "cnn_leaky_relu": (c_void_p, (c_void_p, c_double)),
    "cnn_prelu": (c_void_p, (c_void_p, c_void_p)),
    "cnn_elu": (c_void_p, (c_void_p, c_double)),
    "cnn_celu": (c_void_p, (c_void_p, c_double)),
    "cnn_selu": (c_void_p, (c_void_p,)),
    "cnn_silu": (c_void_p, (c_void_p,)),
    "cnn_mish": (c_void_p, (c_void_p,)),
    "cnn_softplus": (c_void_p, (c_void_p, c_double, c_double)),
    "cnn_logsigmoid": (c_void_p, (c_void_p,)),
    "cnn_softsign": (c_void_p, (c_void_p,)),
    "cnn_hardtanh": (c_void_p, (c_void_p, c_double, c_double)),
    "cnn_relu6": (c_void_p, (c_void_p,)),
    "cnn_hardsigmoid": (c_void_p, (c_void_p,)),
    "cnn_hardswish": (c_void_p, (c_void_p,)),
    "cnn_tanhshrink": (c_void_p, (c_void_p,)),
    "cnn_softshrink": (c_void_p, (c_void_p, c_double)),
    "cnn_hardshrink": (c_void_p, (c_void_p, c_double)),
    "cnn_leaky_relu_create": (c_void_p, (c_void_p, POINTER(cnn_leaky_relu_options))),
    "cnn_elu_create": (c_void_p, (c_void_p, POINTER(cnn_elu_options))),
    "cnn_celu_create": (c_void_p, (c_void_p, POINTER(cnn_celu_options))),
    "cnn_softplus_create": (c_void_p, (c_void_p, POINTER(cnn_softplus_options))),
    "cnn_hardtanh_create": (c_void_p, (c_void_p, POINTER(cnn_hardtanh_options))),
    "cnn_selu_create": (c_void_p, (c_void_p, POINTER(cnn_activation_options))),
    "cnn_silu_create": (c_void_p, (c_void_p, POINTER(cnn_activation_options))),
    "cnn_mish_create": (c_void_p, (c_void_p, POINTER(cnn_activation_options))),
    "cnn_logsigmoid_create": (c_void_p, (c_void_p, POINTER(cnn_activation_options))),
    "cnn_softsign_create": (c_void_p, (c_void_p, POINTER(cnn_activation_options))),
    "cnn_hardswish_create": (c_void_p, (c_void_p, POINTER(cnn_activation_options))),
    "cnn_hardsigmoid_create": (c_void_p, (c_void_p, POINTER(cnn_activation_options))),
    "cnn_relu6_create": (c_void_p, (c_void_p, POINTER(cnn_activation_options))),
    "cnn_tanhshrink_create": (c_void_p, (c_void_p, POINTER(cnn_activation_options))),
    "cnn_softshrink_create": (c_void_p, (c_void_p, POINTER(cnn_softshrink_options))),
    "cnn_hardshrink_create": (c_void_p, (c_void_p, POINTER(cnn_hardshrink_options))),
    "cnn_scaled_dot_product_attention": (c_void_p, (c_void_p, c_void_p, c_void_p, c_void_p, POINTER(cnn_scaled_dot_product_attention_options), POINTER(c_void_p))),
    "cnn_conv2d": (c_void_p, (c_void_p, c_void_p, c_void_p, POINTER(cnn_conv2d_options))),
    "cnn_conv1d": (c_void_p, (c_void_p, c_void_p, c_void_p, POINTER(cnn_conv1d_options))),
    "cnn_conv3d": (c_void_p, (c_void_p, c_void_p, c_void_p, POINTER(cnn_conv3d_options))),
    "cnn_conv_transpose1d": (c_void_p, (c_void_p, c_void_p, c_void_p, POINTER(cnn_conv_transpose1d_options))),
    "cnn_conv_transpose2d": (c_void_p, (c_void_p, c_void_p, c_void_p, POINTER(cnn_conv_transpose2d_options))),
    "cnn_conv_transpose3d": (c_void_p, (c_void_p, c_void_p, c_void_p, POINTER(cnn_conv_transpose3d_options))),
    "cnn_neg": (c_void_p, (c_void_p,)),
    "cnn_exp": (c_void_p, (c_void_p,)),
    "cnn_log": (c_void_p, (c_void_p,)),
    "cnn_sqrt": (c_void_p, (c_void_p,)),
    "cnn_abs": (c_void_p, (c_void_p,)),
    "cnn_tanh": (c_void_p, (c_void_p,)),
    "cnn_sigmoid": (c_void_p, (c_void_p,)),
    "cnn_gelu": (c_void_p, (c_void_p, POINTER(cnn_gelu_options))),
    "cnn_relu": (c_void_p, (c_void_p,)),
    "cnn_clamp": (c_void_p, (c_void_p, c_double, c_double)),
    "cnn_pow_scalar": (c_void_p, (c_void_p, c_double)),
    "cnn_add_scalar": (c_void_p, (c_void_p, c_double)),
    "cnn_mul_scalar": (c_void_p, (c_void_p, c_double)),
    "cnn_erf": (c_void_p, (c_void_p,)),
    "cnn_sin": (c_void_p, (c_void_p,)),
    "cnn_cos": (c_void_p, (c_void_p,)),
    "cnn_tan": (c_void_p, (c_void_p,)),
    "cnn_asin": (c_void_p, (c_void_p,)),
    "cnn_acos": (c_void_p, (c_void_p,)),
    "cnn_atan": (c_void_p, (c_void_p,)),
    "cnn_log2": (c_void_p, (c_void_p,)),
    "cnn_log10": (c_void_p, (c_void_p,)),
    "cnn_log1p": (c_void_p, (c_void_p,)),
    "cnn_exp2": (c_void_p, (c_void_p,)),
    "cnn_expm1": (c_void_p, (c_void_p,)),
    "cnn_reciprocal": (c_void_p, (c_void_p,)),
    "cnn_rsqrt": (c_void_p, (c_void_p,)),
    "cnn_square": (c_void_p, (c_void_p,)),
    "cnn_floor": (c_void_p, (c_void_p,)),
    "cnn_ceil": (c_void_p, (c_void_p,)),
    "cnn_round": (c_void_p, (c_void_p,)),
    "cnn_trunc": (c_void_p, (c_void_p,)),
    "cnn_sign": (c_void_p, (c_void_p,)),
    "cnn_sinh": (c_void_p, (c_void_p,)),
    "cnn_cosh": (c_void_p, (c_void_p,)),
    "cnn_asinh": (c_void_p, (c_void_p,)),
    "cnn_acosh": (c_void_p, (c_void_p,)),
    "cnn_atanh": (c_void_p, (c_void_p,)),
    "cnn_frac": (c_void_p, (c_void_p,)),
    "cnn_add": (c_void_p, (c_void_p, c_void_p)),
    "cnn_sub": (c_void_p, (c_void_p, c_void_p)),
    "cnn_mul": (c_void_p, (c_void_p, c_void_p)),
    "cnn_div": (c_void_p, (c_void_p, c_void_p)),
    "cnn_pow": (c_void_p, (c_void_p, c_void_p)),
    "cnn_minimum": (c_void_p, (c_void_p, c_void_p)),
    "cnn_maximum": (c_void_p, (c_void_p, c_void_p)),
    "cnn_eq": (c_void_p, (c_void_p, c_void_p)),
    "cnn_ne": (c_void_p, (c_void_p, c_void_p)),
    "cnn_lt": (c_void_p, (c_void_p, c_void_p)),
    "cnn_le": (c_void_p, (c_void_p, c_void_p)),
    "cnn_gt": (c_void_p, (c_void_p, c_void_p)),
    "cnn_ge": (c_void_p, (c_void_p, c_void_p)),
    "cnn_where": (c_void_p, (c_void_p, c_void_p, c_void_p)),
    "cnn_logical_and": (c_void_p, (c_void_p, c_void_p)),
    "cnn_logical_or": (c_void_p, (c_void_p, c_void_p)),
    "cnn_logical_xor": (c_void_p, (c_void_p, c_void_p)),
    "cnn_logical_not": (c_void_p, (c_void_p,)),
    "cnn_isnan": (c_void_p, (c_void_p,)),
    "cnn_isinf": (c_void_p, (c_void_p,)),
    "cnn_isfinite": (c_void_p, (c_void_p,)),
    "cnn_bitwise_and": (c_void_p, (c_void_p, c_void_p)),
    "cnn_bitwise_or": (c_void_p, (c_void_p, c_void_p)),
    "cnn_bitwise_xor": (c_void_p, (c_void_p, c_void_p)),
    "cnn_bitwise_not": (c_void_p, (c_void_p,)),
    "cnn_bitwise_left_shift": (c_void_p, (c_void_p, c_void_p)),
    "cnn_bitwise_right_shift": (c_void_p, (c_void_p, c_void_p)),
    "cnn_dropout": (c_void_p, (c_void_p, c_double)),
    "cnn_dropout1d": (c_void_p, (c_void_p, c_double)),
    "cnn_dropout2d": (c_void_p, (c_void_p, c_double)),
    "cnn_alpha_dropout": (c_void_p, (c_void_p, c_double)),
    "cnn_unfold": (c_void_p, (c_void_p, POINTER(cnn_unfold_options))),
    "cnn_fold": (c_void_p, (c_void_p, c_int64, c_int64, POINTER(cnn_unfold_options))),
    "cnn_pixel_shuffle": (c_void_p, (c_void_p, c_int64)),
    "cnn_pixel_unshuffle": (c_void_p, (c_void_p, c_int64)),
    "cnn_channel_shuffle": (c_void_p, (c_void_p, c_int64)),
    "cnn_conv2d_relu_maxpool2d": (c_void_p, (c_void_p, c_void_p, c_void_p, POINTER(cnn_conv2d_options), POINTER(cnn_maxpool2d_options))),
    "cnn_embedding": (c_void_p, (c_void_p, c_void_p, POINTER(cnn_embedding_options))),
    "cnn_gather": (c_void_p, (c_void_p, c_int, c_void_p)),
    "cnn_index_select": (c_void_p, (c_void_p, c_int, c_void_p)),
    "cnn_scatter": (c_void_p, (c_void_p, c_int, c_void_p, c_void_p)),
    "cnn_scatter_value": (c_void_p, (c_void_p, c_int, c_void_p, c_double)),
    "cnn_scatter_add": (c_void_p, (c_void_p, c_int, c_void_p, c_void_p)),
    "cnn_index_add": (c_void_p, (c_void_p, c_int, c_void_p, c_void_p)),
    "cnn_masked_fill": (c_void_p, (c_void_p, c_void_p, c_double)),
    "cnn_one_hot": (c_void_p, (c_void_p, c_int64)),
    "cnn_sort": (c_void_p, (c_void_p, c_int, c_bool, POINTER(c_void_p))),
    "cnn_argsort": (c_void_p, (c_void_p, c_int, c_bool)),
    "cnn_topk": (c_void_p, (c_void_p, c_int64, c_int, c_bool, POINTER(c_void_p))),
    "cnn_matmul": (c_void_p, (c_void_p, c_void_p)),
    "cnn_linear": (c_void_p, (c_void_p, c_void_p, c_void_p)),
    "cnn_einsum": (c_void_p, (c_char_p, c_void_p, c_void_p)),
    "cnn_cosine_similarity": (c_void_p, (c_void_p, c_void_p, c_int, c_double)),
    "cnn_cross_entropy_with": (c_void_p, (c_void_p, c_void_p, POINTER(cnn_cross_entropy_options))),
    "cnn_cross_entropy": (c_void_p, (c_void_p, c_void_p)),
    "cnn_nll_loss": (c_void_p, (c_void_p, c_void_p, POINTER(cnn_nll_loss_options))),
    "cnn_multi_margin_loss": (c_void_p, (c_void_p, c_void_p, POINTER(cnn_multi_margin_loss_options))),
    "cnn_ctc_loss": (c_void_p, (c_void_p, c_void_p, c_void_p, c_void_p, POINTER(cnn_ctc_loss_options))),
    "cnn_mse_loss": (c_void_p, (c_void_p, c_void_p, POINTER(cnn_loss_options))),
    "cnn_l1_loss": (c_void_p, (c_void_p, c_void_p, POINTER(cnn_loss_options))),
    "cnn_smooth_l1_loss": (c_void_p, (c_void_p, c_void_p, POINTER(cnn_smooth_l1_loss_options))),
    "cnn_huber_loss": (c_void_p, (c_void_p, c_void_p, POINTER(cnn_huber_loss_options))),
    "cnn_binary_cross_entropy": (c_void_p, (c_void_p, c_void_p, POINTER(cnn_bce_options))),
    "cnn_binary_cross_entropy_with_logits": (c_void_p, (c_void_p, c_void_p, POINTER(cnn_bce_with_logits_options))),
    "cnn_kl_div": (c_void_p, (c_void_p, c_void_p, POINTER(cnn_kl_div_options))),
    "cnn_soft_margin_loss": (c_void_p, (c_void_p, c_void_p, POINTER(cnn_loss_options))),
    "cnn_poisson_nll_loss": (c_void_p, (c_void_p, c_void_p, POINTER(cnn_poisson_nll_loss_options))),
    "cnn_gaussian_nll_loss": (c_void_p, (c_void_p, c_void_p, c_void_p, POINTER(cnn_gaussian_nll_loss_options))),
    "cnn_margin_ranking_loss": (c_void_p, (c_void_p, c_void_p, c_void_p, POINTER(cnn_margin_loss_options))),
    "cnn_hinge_embedding_loss": (c_void_p, (c_void_p, c_void_p, POINTER(cnn_margin_loss_options))),
    "cnn_cosine_embedding_loss": (c_void_p, (c_void_p, c_void_p, c_void_p, POINTER(cnn_margin_loss_options))),
    "cnn_triplet_margin_loss": (c_void_p, (c_void_p, c_void_p, c_void_p, POINTER(cnn_triplet_margin_loss_options))),
    "cnn_batch_norm": (c_void_p, (c_void_p, c_void_p, c_void_p, c_void_p, c_void_p, POINTER(cnn_batch_norm_options))),
    "cnn_layer_norm": (c_void_p, (c_void_p, c_int, POINTER(c_int64), c_void_p, c_void_p, POINTER(cnn_norm_options))),
    "cnn_rms_norm": (c_void_p, (c_void_p, c_int, POINTER(c_int64), c_void_p, POINTER(cnn_norm_options))),
    "cnn_group_norm": (c_void_p, (c_void_p, c_int64, c_void_p, c_void_p, POINTER(cnn_norm_options))),
    "cnn_instance_norm": (c_void_p, (c_void_p, c_void_p, c_void_p, c_void_p, c_void_p, POINTER(cnn_batch_norm_options))),
    "cnn_local_response_norm": (c_void_p, (c_void_p, c_int64, POINTER(cnn_local_response_norm_options))),
    "cnn_softmax": (c_void_p, (c_void_p, c_int)),
    "cnn_log_softmax": (c_void_p, (c_void_p, c_int)),
    "cnn_maxpool2d": (c_void_p, (c_void_p, POINTER(cnn_maxpool2d_options))),
    "cnn_avg_pool2d": (c_void_p, (c_void_p, POINTER(cnn_avg_pool2d_options))),
    "cnn_maxpool2d_with_indices": (c_void_p, (c_void_p, POINTER(cnn_maxpool2d_options), POINTER(c_void_p))),
    "cnn_maxpool1d": (c_void_p, (c_void_p, POINTER(cnn_maxpool1d_options))),
    "cnn_avg_pool1d": (c_void_p, (c_void_p, POINTER(cnn_avg_pool1d_options))),
    "cnn_adaptive_avg_pool1d": (c_void_p, (c_void_p, c_int64)),
    "cnn_adaptive_avg_pool2d": (c_void_p, (c_void_p, c_int64, c_int64)),
    "cnn_adaptive_maxpool2d": (c_void_p, (c_void_p, c_int64, c_int64, POINTER(c_void_p))),
    "cnn_sum": (c_void_p, (c_void_p, c_int, POINTER(c_int), c_bool)),
    "cnn_mean": (c_void_p, (c_void_p, c_int, POINTER(c_int), c_bool)),
    "cnn_max": (c_void_p, (c_void_p, c_int, POINTER(c_int), c_bool)),
    "cnn_min": (c_void_p, (c_void_p, c_int, POINTER(c_int), c_bool)),
    "cnn_argmax": (c_void_p, (c_void_p, c_int, POINTER(c_int), c_bool)),
    "cnn_argmin": (c_void_p, (c_void_p, c_int, POINTER(c_int), c_bool)),
    "cnn_max_along": (c_void_p, (c_void_p, c_int, c_bool, POINTER(c_void_p))),
    "cnn_min_along": (c_void_p, (c_void_p, c_int, c_bool, POINTER(c_void_p))),
    "cnn_prod": (c_void_p, (c_void_p, c_int, POINTER(c_int), c_bool)),
    "cnn_norm": (c_void_p, (c_void_p, c_double, c_int, POINTER(c_int), c_bool)),
    "cnn_var": (c_void_p, (c_void_p, c_int, c_int, POINTER(c_int), c_bool)),
    "cnn_std": (c_void_p, (c_void_p, c_int, c_int, POINTER(c_int), c_bool)),
    "cnn_logsumexp": (c_void_p, (c_void_p, c_int, POINTER(c_int), c_bool)),
    "cnn_any": (c_void_p, (c_void_p, c_int, POINTER(c_int), c_bool)),
    "cnn_all": (c_void_p, (c_void_p, c_int, POINTER(c_int), c_bool)),
    "cnn_cumsum": (c_void_p, (c_void_p, c_int)),
    "cnn_cumprod": (c_void_p, (c_void_p, c_int)),
    "cnn_pad": (c_void_p, (c_void_p, c_int, POINTER(c_int64), POINTER(cnn_pad_options))),
    "cnn_interpolate": (c_void_p, (c_void_p, POINTER(cnn_interpolate_options))),
    "cnn_lstm": (c_void_p, (c_void_p, c_void_p, c_void_p, c_void_p, c_void_p, c_void_p, c_void_p, c_void_p, POINTER(cnn_rnn_options), POINTER(c_void_p), POINTER(c_void_p))),
    "cnn_gru": (c_void_p, (c_void_p, c_void_p, c_void_p, c_void_p, c_void_p, c_void_p, c_void_p, POINTER(cnn_rnn_options), POINTER(c_void_p))),
    "cnn_rnn": (c_void_p, (c_void_p, c_void_p, c_void_p, c_void_p, c_void_p, c_void_p, c_void_p, POINTER(cnn_rnn_options), POINTER(c_void_p))),
    "cnn_reshape": (c_void_p, (c_void_p, c_int, POINTER(c_int64))),
    "cnn_view": (c_void_p, (c_void_p, c_int, POINTER(c_int64))),
    "cnn_flatten": (c_void_p, (c_void_p, c_int, c_int)),
    "cnn_unflatten": (c_void_p, (c_void_p, c_int, c_int, POINTER(c_int64))),
    "cnn_transpose": (c_void_p, (c_void_p, c_int, c_int)),
    "cnn_permute": (c_void_p, (c_void_p, c_int, POINTER(c_int))),
    "cnn_slice": (c_void_p, (c_void_p, c_int, c_int64, c_int64, c_int64)),
    "cnn_expand": (c_void_p, (c_void_p, c_int, POINTER(c_int64))),
    "cnn_squeeze": (c_void_p, (c_void_p, c_int)),
    "cnn_unsqueeze": (c_void_p, (c_void_p, c_int)),
    "cnn_contiguous": (c_void_p, (c_void_p,)),
    "cnn_clone": (c_void_p, (c_void_p,)),
    "cnn_cast": (c_void_p, (c_void_p, c_int)),
    "cnn_concat": (c_void_p, (POINTER(c_void_p), c_int, c_int)),
    "cnn_stack": (c_void_p, (POINTER(c_void_p), c_int, c_int)),
    "cnn_detach": (c_void_p, (c_void_p,)),
    "cnn_flip": (c_void_p, (c_void_p, c_int, POINTER(c_int))),
    "cnn_roll": (c_void_p, (c_void_p, c_int64, c_int)),
    "cnn_tril": (c_void_p, (c_void_p, c_int64)),
    "cnn_triu": (c_void_p, (c_void_p, c_int64)),
    "cnn_repeat": (c_void_p, (c_void_p, c_int, POINTER(c_int64))),
    "cnn_split": (c_int, (c_void_p, c_int64, c_int, POINTER(c_void_p), c_int)),
    "cnn_split_with_sizes": (c_int, (c_void_p, c_int, POINTER(c_int64), c_int, POINTER(c_void_p))),
    "cnn_chunk": (c_int, (c_void_p, c_int, c_int, POINTER(c_void_p))),
    "cnn_unbind": (c_int, (c_void_p, c_int, POINTER(c_void_p), c_int)),
    "cnn_adadelta_create": (c_void_p, (c_void_p, POINTER(cnn_adadelta_options))),
    "cnn_adadelta_create_for": (c_void_p, (c_void_p, POINTER(c_void_p), c_int, POINTER(cnn_adadelta_options))),
    "cnn_adadelta_add_group": (c_int, (c_void_p, POINTER(c_void_p), c_int, POINTER(cnn_adadelta_options))),
    "cnn_adadelta_add_group_where": (c_int, (c_void_p, c_void_p, cnn_belongs_fn, c_void_p, POINTER(cnn_adadelta_options))),
    "cnn_adagrad_create": (c_void_p, (c_void_p, POINTER(cnn_adagrad_options))),
    "cnn_adagrad_create_for": (c_void_p, (c_void_p, POINTER(c_void_p), c_int, POINTER(cnn_adagrad_options))),
    "cnn_adagrad_add_group": (c_int, (c_void_p, POINTER(c_void_p), c_int, POINTER(cnn_adagrad_options))),
    "cnn_adagrad_add_group_where": (c_int, (c_void_p, c_void_p, cnn_belongs_fn, c_void_p, POINTER(cnn_adagrad_options))),
    "cnn_adam_create": (c_void_p, (c_void_p, POINTER(cnn_adam_options))),
    "cnn_adam_create_for": (c_void_p, (c_void_p, POINTER(c_void_p), c_int, POINTER(cnn_adam_options))),
    "cnn_adam_add_group": (c_int, (c_void_p, POINTER(c_void_p), c_int, POINTER(cnn_adam_options))),
    "cnn_adam_add_group_where": (c_int, (c_void_p, c_void_p, cnn_belongs_fn, c_void_p, POINTER(cnn_adam_options))),
    "cnn_adamw_create": (c_void_p, (c_void_p, POINTER(cnn_adam_options))),
    "cnn_adamw_create_for": (c_void_p, (c_void_p, POINTER(c_void_p), c_int, POINTER(cnn_adam_options))),
    "cnn_adamw_add_group": (c_int, (c_void_p, POINTER(c_void_p), c_int, POINTER(cnn_adam_options))),
    "cnn_adamw_add_group_where": (c_int, (c_void_p, c_void_p, cnn_belongs_fn, c_void_p, POINTER(cnn_adam_options))),
    "cnn_adamax_create": (c_void_p, (c_void_p, POINTER(cnn_adamax_options))),
    "cnn_adamax_create_for": (c_void_p, (c_void_p, POINTER(c_void_p), c_int, POINTER(cnn_adamax_options))),
    "cnn_adamax_add_group": (c_int, (c_void_p, POINTER(c_void_p), c_int, POINTER(cnn_adamax_options))),
    "cnn_adamax_add_group_where": (c_int, (c_void_p, c_void_p, cnn_belongs_fn, c_void_p, POINTER(cnn_adamax_options))),
    "cnn_lamb_create": (c_void_p, (c_void_p, POINTER(cnn_lamb_options))),
    "cnn_lamb_create_for": (c_void_p, (c_void_p, POINTER(c_void_p), c_int, POINTER(cnn_lamb_options))),
    "cnn_lamb_add_group": (c_int, (c_void_p, POINTER(c_void_p), c_int, POINTER(cnn_lamb_options))),
    "cnn_lamb_add_group_where": (c_int, (c_void_p, c_void_p, cnn_belongs_fn, c_void_p, POINTER(cnn_lamb_options))),
    "cnn_lars_create": (c_void_p, (c_void_p, POINTER(cnn_lars_options))),
    "cnn_lars_create_for": (c_void_p, (c_void_p, POINTER(c_void_p), c_int, POINTER(cnn_lars_options))),
    "cnn_lars_add_group": (c_int, (c_void_p, POINTER(c_void_p), c_int, POINTER(cnn_lars_options))),
    "cnn_lars_add_group_where": (c_int, (c_void_p, c_void_p, cnn_belongs_fn, c_void_p, POINTER(cnn_lars_options))),
    "cnn_lion_create": (c_void_p, (c_void_p, POINTER(cnn_lion_options))),
    "cnn_lion_create_for": (c_void_p, (c_void_p, POINTER(c_void_p), c_int, POINTER(cnn_lion_options))),
    "cnn_lion_add_group": (c_int, (c_void_p, POINTER(c_void_p), c_int, POINTER(cnn_lion_options))),
    "cnn_lion_add_group_where": (c_int, (c_void_p, c_void_p, cnn_belongs_fn, c_void_p, POINTER(cnn_lion_options))),
    "cnn_muon_create": (c_void_p, (c_void_p, POINTER(cnn_muon_options))),
    "cnn_muon_create_for": (c_void_p, (c_void_p, POINTER(c_void_p), c_int, POINTER(cnn_muon_options))),
    "cnn_muon_add_group": (c_int, (c_void_p, POINTER(c_void_p), c_int, POINTER(cnn_muon_options))),
    "cnn_muon_add_group_where": (c_int, (c_void_p, c_void_p, cnn_belongs_fn, c_void_p, POINTER(cnn_muon_options))),
    "cnn_nadam_create": (c_void_p, (c_void_p, POINTER(cnn_nadam_options))),
    "cnn_nadam_create_for": (c_void_p, (c_void_p, POINTER(c_void_p), c_int, POINTER(cnn_nadam_options))),
    "cnn_nadam_add_group": (c_int, (c_void_p, POINTER(c_void_p), c_int, POINTER(cnn_nadam_options))),
    "cnn_nadam_add_group_where": (c_int, (c_void_p, c_void_p, cnn_belongs_fn, c_void_p, POINTER(cnn_nadam_options))),
    "cnn_radam_create": (c_void_p, (c_void_p, POINTER(cnn_radam_options))),
    "cnn_radam_create_for": (c_void_p, (c_void_p, POINTER(c_void_p), c_int, POINTER(cnn_radam_options))),
    "cnn_radam_add_group": (c_int, (c_void_p, POINTER(c_void_p), c_int, POINTER(cnn_radam_options))),
    "cnn_radam_add_group_where": (c_int, (c_void_p, c_void_p, cnn_belongs_fn, c_void_p, POINTER(cnn_radam_options))),
    "cnn_rmsprop_create": (c_void_p, (c_void_p, POINTER(cnn_rmsprop_options))),
    "cnn_rmsprop_create_for": (c_void_p, (c_void_p, POINTER(c_void_p), c_int, POINTER(cnn_rmsprop_options))),
    "cnn_rmsprop_add_group": (c_int, (c_void_p, POINTER(c_void_p), c_int, POINTER(cnn_rmsprop_options))),
    "cnn_rmsprop_add_group_where": (c_int, (c_void_p, c_void_p, cnn_belongs_fn, c_void_p, POINTER(cnn_rmsprop_options))),
    "cnn_sgd_create": (c_void_p, (c_void_p, POINTER(cnn_sgd_options))),
    "cnn_sgd_create_for": (c_void_p, (c_void_p, POINTER(c_void_p), c_int, POINTER(cnn_sgd_options))),
    "cnn_sgd_add_group": (c_int, (c_void_p, POINTER(c_void_p), c_int, POINTER(cnn_sgd_options))),
    "cnn_sgd_add_group_where": (c_int, (c_void_p, c_void_p, cnn_belongs_fn, c_void_p, POINTER(cnn_sgd_options))),
    "cnn_optimizer_free": (None, (c_void_p,)),
    "cnn_optimizer_zero_grad": (c_int, (c_void_p,)),
    "cnn_optimizer_step": (c_int, (c_void_p,)),
    "cnn_optimizer_group_count": (c_int, (c_void_p,)),
    "cnn_optimizer_get": (c_double, (c_void_p, c_int, c_int)),
    "cnn_optimizer_set": (c_int, (c_void_p, c_int, c_int, c_double)),
    "cnn_optimizer_lr": (c_double, (c_void_p, c_int)),
    "cnn_optimizer_set_lr": (c_int, (c_void_p, c_int, c_double)),
    "cnn_optimizer_step_count": (c_int64, (c_void_p,)),
    "cnn_predictor_create": (c_void_p, (c_void_p, POINTER(cnn_trace_input), c_int, POINTER(cnn_predictor_options))),
    "cnn_predictor_run": (c_int, (c_void_p, POINTER(c_void_p), POINTER(c_void_p))),
    "cnn_predictor_input_count": (c_int, (c_void_p,)),
    "cnn_predictor_output_count": (c_int, (c_void_p,)),
    "cnn_predictor_input": (c_int, (c_void_p, c_int, POINTER(cnn_predictor_value))),
    "cnn_predictor_output": (c_int, (c_void_p, c_int, POINTER(cnn_predictor_value))),
    "cnn_predictor_memory": (c_size_t, (c_void_p,)),
    "cnn_predictor_free": (None, (c_void_p,)),
    "cnn_profile_begin": (c_void_p, (c_void_p, POINTER(cnn_profile_options))),
    "cnn_profile_end": (c_int, (c_void_p,)),
    "cnn_profile_free": (None, (c_void_p,)),
    "cnn_profile_get_event": (POINTER(cnn_profile_event), (c_void_p, c_int64)),
    "cnn_profile_dropped": (c_int64, (c_void_p,)),
    "cnn_profile_format": (c_size_t, (c_void_p, c_int, c_char_p, c_size_t)),
    "cnn_profile_save": (c_int, (c_void_p, c_char_p)),
    "cnn_module_summary": (c_size_t, (c_void_p, POINTER(cnn_trace_input), c_int, POINTER(cnn_trace_options), c_char_p, c_size_t)),
    "cnn_lstm_create": (c_void_p, (c_void_p, c_int64, c_int64, POINTER(cnn_rnn_options))),
    "cnn_gru_create": (c_void_p, (c_void_p, c_int64, c_int64, POINTER(cnn_rnn_options))),
    "cnn_rnn_create": (c_void_p, (c_void_p, c_int64, c_int64, POINTER(cnn_rnn_options))),
    "cnn_lstm_forward": (c_void_p, (c_void_p, c_void_p, c_void_p, c_void_p, c_void_p, POINTER(c_void_p), POINTER(c_void_p))),
    "cnn_rnn_forward": (c_void_p, (c_void_p, c_void_p, c_void_p, c_void_p, POINTER(c_void_p))),
    "cnn_weighted_random_sampler_create": (c_void_p, (c_void_p, POINTER(c_double), c_int64, c_int64, c_bool)),
    "cnn_subset_random_sampler_create": (c_void_p, (c_void_p, POINTER(c_int64), c_int64)),
    "cnn_distributed_sampler_create": (c_void_p, (c_void_p, c_int64, c_int, c_int, c_bool, c_bool)),
    "cnn_sampler_from_callbacks": (c_void_p, (c_void_p, POINTER(cnn_sampler_callbacks))),
    "cnn_sampler_free": (None, (c_void_p,)),
    "cnn_sampler_count": (c_int64, (c_void_p,)),
    "cnn_sampler_order": (c_int, (c_void_p, c_uint64, c_int64, POINTER(c_int64))),
    "cnn_step_lr_create": (c_void_p, (c_void_p, POINTER(cnn_step_lr_options))),
    "cnn_multi_step_lr_create": (c_void_p, (c_void_p, POINTER(cnn_multi_step_lr_options))),
    "cnn_constant_lr_create": (c_void_p, (c_void_p, POINTER(cnn_constant_lr_options))),
    "cnn_linear_lr_create": (c_void_p, (c_void_p, POINTER(cnn_linear_lr_options))),
    "cnn_exponential_lr_create": (c_void_p, (c_void_p, POINTER(cnn_exponential_lr_options))),
    "cnn_polynomial_lr_create": (c_void_p, (c_void_p, POINTER(cnn_polynomial_lr_options))),
    "cnn_cosine_annealing_lr_create": (c_void_p, (c_void_p, POINTER(cnn_cosine_annealing_lr_options))),
    "cnn_cosine_annealing_warm_restarts_create": (c_void_p, (c_void_p, POINTER(cnn_cosine_annealing_warm_restarts_options))),
    "cnn_one_cycle_lr_create": (c_void_p, (c_void_p, POINTER(cnn_one_cycle_lr_options))),
    "cnn_lambda_lr_create": (c_void_p, (c_void_p, POINTER(cnn_lambda_lr_options))),
    "cnn_reduce_lr_on_plateau_create": (c_void_p, (c_void_p, POINTER(cnn_reduce_lr_on_plateau_options))),
    "cnn_sequential_lr_create": (c_void_p, (c_void_p, POINTER(c_void_p), POINTER(c_int64), c_int)),
    "cnn_scheduler_step": (c_int, (c_void_p,)),
    "cnn_scheduler_step_metric": (c_int, (c_void_p, c_double)),
    "cnn_scheduler_get_lr": (c_double, (c_void_p, c_int)),
    "cnn_scheduler_last_epoch": (c_int64, (c_void_p,)),
    "cnn_scheduler_free": (None, (c_void_p,)),
    "cnn_status_name": (c_char_p, (c_int,)),
    "cnn_name_escape": (c_size_t, (c_char_p, c_char_p, c_size_t)),
    "cnn_tape_new": (c_void_p, (c_void_p,)),
    "cnn_tape_free": (None, (c_void_p,)),
    "cnn_tape_begin": (c_int, (c_void_p, c_int)),
    "cnn_tape_mode": (c_int, (c_void_p,)),
    "cnn_tape_training": (c_bool, (c_void_p,)),
    "cnn_tape_protect": (c_int, (c_void_p, c_void_p)),
    "cnn_tensor_tape": (c_void_p, (c_void_p,)),
    "cnn_tape_status": (c_int, (c_void_p,)),
    "cnn_tape_error": (c_char_p, (c_void_p,)),
    "cnn_tape_set_recording": (c_bool, (c_void_p, c_bool)),
    "cnn_tape_memory": (c_size_t, (c_void_p,)),
    "cnn_input": (c_void_p, (c_void_p, c_void_p)),
    "cnn_tape_rand": (c_void_p, (c_void_p, c_int, c_int, POINTER(c_int64))),
    "cnn_tape_randn": (c_void_p, (c_void_p, c_int, c_int, POINTER(c_int64))),
    "cnn_tape_bernoulli": (c_void_p, (c_void_p, c_int, c_double, c_int, POINTER(c_int64))),
    "cnn_backward": (c_int, (c_void_p,)),
    "cnn_backward_with": (c_int, (c_void_p, c_void_p, c_bool)),
    "cnn_tape_on_gradient": (c_int, (c_void_p, cnn_gradient_fn, c_void_p)),
    "cnn_tape_gradient_call": (c_int, (c_void_p, cnn_gradient_fn, POINTER(c_void_p))),
    "cnn_retain_grad": (c_int, (c_void_p,)),
    "cnn_gradcheck": (c_int, (c_void_p, cnn_function_fn, c_void_p, POINTER(c_void_p), c_int, POINTER(cnn_gradcheck_options))),
    "cnn_custom": (c_void_p, (POINTER(cnn_custom_op), POINTER(c_void_p), c_int, c_void_p)),
    "cnn_custom_many": (c_int, (POINTER(cnn_custom_op), POINTER(c_void_p), c_int, POINTER(c_void_p), c_int, c_void_p)),
    "cnn_dtype_size": (c_size_t, (c_int,)),
    "cnn_dtype_name": (c_char_p, (c_int,)),
    "cnn_tensor_empty": (c_void_p, (c_void_p, c_int, c_int, POINTER(c_int64))),
    "cnn_tensor_zeros": (c_void_p, (c_void_p, c_int, c_int, POINTER(c_int64))),
    "cnn_tensor_ones": (c_void_p, (c_void_p, c_int, c_int, POINTER(c_int64))),
    "cnn_tensor_full": (c_void_p, (c_void_p, c_int, c_double, c_int, POINTER(c_int64))),
    "cnn_tensor_arange": (c_void_p, (c_void_p, c_int, c_double, c_double, c_double)),
    "cnn_tensor_from_data": (c_void_p, (c_void_p, c_int, c_int, POINTER(c_int64), c_void_p)),
    "cnn_tensor_from_borrowed": (c_void_p, (c_void_p, c_int, c_int, POINTER(c_int64), POINTER(c_int64), c_void_p, cnn_deleter_fn, c_void_p)),
    "cnn_tensor_share": (c_void_p, (c_void_p,)),
    "cnn_tensor_rand": (c_void_p, (c_void_p, c_int, c_int, POINTER(c_int64))),
    "cnn_tensor_randn": (c_void_p, (c_void_p, c_int, c_int, POINTER(c_int64))),
    "cnn_tensor_detach": (c_void_p, (c_void_p,)),
    "cnn_tensor_free": (None, (c_void_p,)),
    "cnn_tensor_context": (c_void_p, (c_void_p,)),
    "cnn_tensor_dtype": (c_int, (c_void_p,)),
    "cnn_tensor_device": (c_char_p, (c_void_p,)),
    "cnn_tensor_ndim": (c_int, (c_void_p,)),
    "cnn_tensor_shape": (POINTER(c_int64), (c_void_p,)),
    "cnn_tensor_strides": (POINTER(c_int64), (c_void_p,)),
    "cnn_tensor_size": (c_int64, (c_void_p, c_int)),
    "cnn_tensor_numel": (c_int64, (c_void_p,)),
    "cnn_tensor_is_contiguous": (c_bool, (c_void_p,)),
    "cnn_tensor_status": (c_int, (c_void_p,)),
    "cnn_tensor_data": (c_void_p, (c_void_p,)),
    "cnn_tensor_item": (c_double, (c_void_p,)),
    "cnn_tensor_item_i64": (c_int64, (c_void_p,)),
    "cnn_tensor_read": (c_int, (c_void_p, c_void_p, c_size_t)),
    "cnn_tensor_write": (c_int, (c_void_p, c_void_p, c_size_t)),
    "cnn_tensor_fill": (c_int, (c_void_p, c_double)),
    "cnn_tensor_copy_from": (c_int, (c_void_p, c_void_p)),
    "cnn_tensor_touch": (c_int, (c_void_p,)),
    "cnn_tensor_format": (c_size_t, (c_void_p, c_char_p, c_size_t)),
    "cnn_tensor_requires_grad": (c_bool, (c_void_p,)),
    "cnn_tensor_set_requires_grad": (c_int, (c_void_p, c_bool)),
    "cnn_tensor_grad": (c_void_p, (c_void_p,)),
    "cnn_tensor_zero_grad": (c_int, (c_void_p,)),
    "cnn_trace_create": (c_void_p, (c_void_p, POINTER(cnn_trace_input), c_int, POINTER(cnn_trace_options))),
    "cnn_trace_free": (None, (c_void_p,)),
    "cnn_trace_get_node": (POINTER(cnn_trace_node), (c_void_p, c_int)),
    "cnn_trace_get_value": (POINTER(cnn_trace_value), (c_void_p, c_int)),
    "cnn_trace_get_output": (c_int, (c_void_p, c_int)),
    "cnn_version": (c_char_p, ()),
    "cnn_version_number": (c_int, ()),
}
