/** @file
 * Augmentation: a chain of image transforms with the names, parameters and formulas of torchvision.transforms, which a
 * dataset applies to its samples, and mixup and CutMix of whole batches.
 *
 * A chain is made once, by one thread, and given to datasets by cnn_dataset_augment(). Transforms see f32 images
 * [channels, height, width] before the dataset's normalisation: bytes scaled to [0, 1], and f32 images as they are.
 *
 * What is drawn for a sample is a function of the loader's seed, the epoch and the number of the sample in the
 * augmented dataset alone. It depends neither on the batch size and the order nor on the number of threads. A seed
 * gives other draws than the same seed of PyTorch.
 *
 * A function that adds a transform returns CNN_OK, or CNN_ERROR_INVALID_ARGUMENT for a NULL or a parameter out of its
 * range, CNN_ERROR_UNSUPPORTED for an option that this library does not know, CNN_ERROR_STATE if a dataset uses the
 * chain already, or CNN_ERROR_NO_MEMORY. The result need not be looked at: the chain keeps its first failure, and
 * cnn_dataset_augment() fails with it. `options` may be NULL for the defaults. Whether a transform fits the images is
 * found when the chain meets a dataset. */
#ifndef CNN_AUGMENT_H
#define CNN_AUGMENT_H

#include <cnn/dataset.h>
#include <cnn/ops.h>

CNN_BEGIN_DECLS

/** A chain of transforms. */
typedef struct cnn_augmentation cnn_augmentation;

/** Makes a chain without transforms, which is used by one thread at a time until a dataset uses it. It is owned by the
 * caller. NULL on failure (ctx is NULL, no memory). @since 0.2 */
CNN_API cnn_augmentation *cnn_augmentation_new(cnn_context *ctx);
/** Gives up the caller's hold on a chain; datasets that use it keep theirs. NULL is fine. @since 0.2 */
CNN_API void cnn_augmentation_free(cnn_augmentation *augmentation);

/**
 * A dataset whose samples are those of `dataset` after the chain's transforms; the labels stay as they are. Its images
 * have the shape that the chain gives them. A training split is augmented in this way while the validation split of the
 * same dataset is not. A loader applies the transforms in its thread, and allocates nothing for them once it runs.
 *
 * The normalisation that `dataset` has now is applied after the last transform, unless the chain has a
 * cnn_augment_normalize(), which replaces it; cnn_dataset_normalize() refuses the new dataset. cnn_dataset_get() gives
 * a sample as epoch 0 of a loader with the context's seed does. Thread-safe.
 *
 * @param dataset       with images f32 [channels, height, width]; takes ownership of this hold, also on failure. NULL
 *                      fails and keeps the message of its failed call. Samples that are tensors of shapes of their own
 *                      (`make` of cnn_dataset_callbacks, `own_sizes` of a folder of pictures) have to have as many
 *                      channels as sample 0, which is read here, and the same size after the last transform; each is
 *                      given memory of its own for as long as the chain works on it.
 * @param augmentation  of the same context; the caller keeps it, may give it to other datasets, and may not add to it
 *                      any more. NULL fails and keeps the message of its failed call.
 * @return a dataset owned by the caller; NULL on failure (CNN_ERROR_DTYPE, CNN_ERROR_SHAPE, CNN_ERROR_STATE, no memory,
 *         and the first failure of the chain).
 * @since 0.2
 */
CNN_API cnn_dataset *cnn_dataset_augment(cnn_dataset *dataset, cnn_augmentation *augmentation);

/** @name Crops
 * @{ */
/** Options of cnn_augment_random_crop(). */
typedef struct cnn_random_crop_options {
    size_t struct_size;        /**< sizeof(cnn_random_crop_options) */
    int64_t padding;           /**< pixels on each side before the crop; default 0 */
    int64_t padding_left;      /**< pixels more on the left; default 0 */
    int64_t padding_top;       /**< pixels more above; default 0 */
    int64_t padding_right;     /**< pixels more on the right; default 0 */
    int64_t padding_bottom;    /**< pixels more below; default 0 */
    double fill;               /**< value of padding with CNN_PAD_CONSTANT; default 0 */
    const double *fills;       /**< one value per channel in place of `fill`, copied; default NULL */
    int fill_count;            /**< how many, the images' channels; 0 without `fills` */
    cnn_pad_mode padding_mode; /**< CNN_PAD_CONSTANT (the default), CNN_PAD_REFLECT or CNN_PAD_REPLICATE (edge) */
    bool symmetric;            /**< reflect with the pixels at the edge (padding_mode="symmetric"), whatever
                                    `padding_mode` is */
    bool pad_if_needed;        /**< pad an image that is smaller than the crop on both sides until it fits */
    unsigned char reserved[6]; /**< zero: room for later options */
} cnn_random_crop_options;

/** RandomCrop: `height` × `width` pixels from a place that is drawn. Reflection needs less padding than the image has
 * pixels, symmetric reflection not more. @since 0.2 */
CNN_API cnn_status cnn_augment_random_crop_with(cnn_augmentation *augmentation, int64_t height, int64_t width,
                                                const cnn_random_crop_options *options);
/** A random translation by up to `pixels` whole pixels in each direction: a random crop of the image's own size with
 * this much padding, of zeros, reflected (CNN_PAD_REFLECT) or repeated from the edge (CNN_PAD_REPLICATE). @since 0.2 */
CNN_API cnn_status cnn_augment_random_shift(cnn_augmentation *augmentation, int64_t pixels, cnn_pad_mode padding_mode);
/** CenterCrop: the middle `height` × `width` pixels; an image that is smaller is padded with zeros. @since 0.2 */
CNN_API cnn_status cnn_augment_center_crop(cnn_augmentation *augmentation, int64_t height, int64_t width);

/** Options of cnn_augment_resize(). */
typedef struct cnn_resize_options {
    size_t struct_size; /**< sizeof(cnn_resize_options) */
    int64_t max_size;   /**< with a width of 0: the most pixels of the longer side, above `height`; default: any */
    bool nearest;       /**< the nearest pixel, as cnn_interpolate() takes it; default: bilinear */
    bool no_antialias;  /**< bilinear, of two pixels per direction, also where the image becomes smaller */
    unsigned char reserved[6]; /**< zero: room for later options */
} cnn_resize_options;

/**
 * Resize: bilinear, to `height` × `width` pixels. A `width` of 0 keeps the proportions, as torchvision's Resize(height)
 * does: the shorter side becomes `height` pixels long, the longer one's length is rounded down. Where an image becomes
 * smaller, the triangle filter is stretched by the same factor, as Pillow and torchvision 0.17 and later do
 * (antialias=True). @since 0.2
 */
CNN_API cnn_status cnn_augment_resize_with(cnn_augmentation *augmentation, int64_t height, int64_t width,
                                           const cnn_resize_options *options);

/** Options of cnn_augment_random_resized_crop(). */
typedef struct cnn_random_resized_crop_options {
    size_t struct_size;        /**< sizeof(cnn_random_resized_crop_options) */
    double scale_min;          /**< least part of the image's area, above 0; default 0.08 */
    double scale_max;          /**< largest part, at most 1; default 1 */
    double ratio_min;          /**< least width / height, above 0; default 3/4 */
    double ratio_max;          /**< largest width / height; default 4/3 */
    bool nearest;              /**< as in cnn_resize_options */
    bool no_antialias;         /**< as in cnn_resize_options */
    unsigned char reserved[6]; /**< zero: room for later options */
} cnn_random_resized_crop_options;

/** RandomResizedCrop: a part with an area and a ratio of its sides that are drawn (the ratio's logarithm uniformly), in
 * at most ten tries, resized as by cnn_augment_resize(). @since 0.2 */
CNN_API cnn_status cnn_augment_random_resized_crop_with(cnn_augmentation *augmentation, int64_t height, int64_t width,
                                                        const cnn_random_resized_crop_options *options);
/** @} */

/** @name Flips, rotations and other affine maps
 * @{ */
/** RandomHorizontalFlip: mirrors left and right with probability `p`, 0 to 1. @since 0.2 */
CNN_API cnn_status cnn_augment_horizontal_flip(cnn_augmentation *augmentation, double p);
/** RandomVerticalFlip: mirrors top and bottom with probability `p`, 0 to 1. @since 0.2 */
CNN_API cnn_status cnn_augment_vertical_flip(cnn_augmentation *augmentation, double p);

/** Options of cnn_augment_random_rotation(). */
typedef struct cnn_random_rotation_options {
    size_t struct_size;        /**< sizeof(cnn_random_rotation_options) */
    double fill;               /**< value outside of the image; default 0 */
    const double *fills;       /**< one value per channel in place of `fill`, copied; default NULL */
    double center_x;           /**< the map's centre, in pixels from the left edge; default: the middle; CNN_ZERO: 0 */
    double center_y;           /**< the map's centre, in pixels from the upper edge; default: the middle; CNN_ZERO: 0 */
    int fill_count;            /**< how many `fills`, the images' channels; 0 without them */
    bool bilinear;             /**< default: the nearest pixel */
    unsigned char reserved[3]; /**< zero: room for later options */
} cnn_random_rotation_options;

/** RandomRotation: turns the image about its centre, counter-clockwise, by an angle between `min_degrees` and
 * `max_degrees`, which are finite. The shape stays. @since 0.2 */
CNN_API cnn_status cnn_augment_random_rotation_with(cnn_augmentation *augmentation, double min_degrees,
                                                    double max_degrees, const cnn_random_rotation_options *options);

/** Options of cnn_augment_random_affine(). */
typedef struct cnn_random_affine_options {
    size_t struct_size;        /**< sizeof(cnn_random_affine_options) */
    double translate_x;        /**< largest shift as a part of the width, 0 to 1, rounded to pixels; default 0 */
    double translate_y;        /**< largest shift as a part of the height, 0 to 1; default 0 */
    double scale_min;          /**< least factor, above 0; default 1 */
    double scale_max;          /**< largest factor; default 1 */
    double shear_x_min;        /**< least shear along x in degrees, above -90; default 0 */
    double shear_x_max;        /**< largest shear along x, below 90; default 0 */
    double shear_y_min;        /**< least shear along y; default 0 */
    double shear_y_max;        /**< largest shear along y; default 0 */
    double fill;               /**< value outside of the image; default 0 */
    const double *fills;       /**< one value per channel in place of `fill`, copied; default NULL */
    double center_x;           /**< the map's centre, in pixels from the left edge; default: the middle; CNN_ZERO: 0 */
    double center_y;           /**< the map's centre, in pixels from the upper edge; default: the middle; CNN_ZERO: 0 */
    int fill_count;            /**< how many `fills`, the images' channels; 0 without them */
    bool bilinear;             /**< default: the nearest pixel */
    unsigned char reserved[3]; /**< zero: room for later options */
} cnn_random_affine_options;

/** RandomAffine: rotation by an angle between `min_degrees` and `max_degrees` (clockwise, as torchvision's affine()),
 * translation, scaling and shear about the centre, in one interpolation. The shape stays. @since 0.2 */
CNN_API cnn_status cnn_augment_random_affine_with(cnn_augmentation *augmentation, double min_degrees,
                                                  double max_degrees, const cnn_random_affine_options *options);
/** @} */

/** @name Colours
 * For images of one or three channels (red, green, blue) within [0, 1], to which results are clamped.
 * @{ */
/** Options of cnn_augment_color_jitter(); what is 0 stays as it is. */
typedef struct cnn_color_jitter_options {
    size_t struct_size;        /**< sizeof(cnn_color_jitter_options) */
    double brightness;         /**< the factor is drawn from max(0, 1 - brightness) to 1 + brightness */
    double contrast;           /**< the factor is drawn from max(0, 1 - contrast) to 1 + contrast */
    double saturation;         /**< the factor is drawn from max(0, 1 - saturation) to 1 + saturation */
    double hue;                /**< the shift is drawn from -hue to hue, in turns; 0 to 0.5 */
    double brightness_min;     /**< with brightness_max, if one of them is not 0: the factor is drawn between them */
    double brightness_max;     /**< see brightness_min */
    double contrast_min;       /**< with contrast_max the same */
    double contrast_max;       /**< see contrast_min */
    double saturation_min;     /**< with saturation_max the same */
    double saturation_max;     /**< see saturation_min */
    double hue_min;            /**< with hue_max the same; -0.5 to 0.5 */
    double hue_max;            /**< see hue_min */
    unsigned char reserved[8]; /**< zero: room for later options */
} cnn_color_jitter_options;

/** ColorJitter: changes brightness, contrast, saturation and hue in an order that is drawn. Saturation and hue leave
 * images of one channel alone. @since 0.2 */
CNN_API cnn_status cnn_augment_color_jitter_with(cnn_augmentation *augmentation,
                                                 const cnn_color_jitter_options *options);
/** RandomGrayscale: 0.2989 red + 0.587 green + 0.114 blue in all three channels, with probability `p`, 0 to 1.
 * @since 0.2 */
CNN_API cnn_status cnn_augment_random_grayscale(cnn_augmentation *augmentation, double p);
/** Normalize: (x − mean[c]) / std[c]. The dataset's own normalisation is left out then, and transforms that follow,
 * such as cnn_augment_random_erasing(), see normalised images.
 * @param channels  the images' channels, or 1 for all; with as many finite numbers in `mean` and `std`, which are
 *                  copied; those of `std` above 0. @since 0.2 */
CNN_API cnn_status cnn_augment_normalize(cnn_augmentation *augmentation, int channels, const double *mean,
                                         const double *std);
/** @} */

/** @name Erasing, and transforms of the user's
 * @{ */
/** Options of cnn_augment_random_erasing(). */
typedef struct cnn_random_erasing_options {
    size_t struct_size;        /**< sizeof(cnn_random_erasing_options) */
    double p;                  /**< probability, 0 to 1; default 0.5 */
    double scale_min;          /**< least part of the image's area, above 0; default 0.02 */
    double scale_max;          /**< largest part, at most 1; default 0.33 */
    double ratio_min;          /**< least height / width, above 0; default 0.3 */
    double ratio_max;          /**< largest height / width; default 3.3 */
    double value;              /**< what the rectangle is filled with; default 0 */
    const double *values;      /**< one value per channel in place of `value`, copied; default NULL */
    int value_count;           /**< how many, the images' channels; 0 without `values` */
    bool random;               /**< fill it with standard normal numbers instead (value='random') */
    unsigned char reserved[3]; /**< zero: room for later options */
} cnn_random_erasing_options;

/** RandomErasing: fills a rectangle, which is found in at most ten tries. @since 0.2 */
CNN_API cnn_status cnn_augment_random_erasing_with(cnn_augmentation *augmentation,
                                                   const cnn_random_erasing_options *options);

/** Where a transform of the user's draws from. It lives as long as the call. */
typedef struct cnn_random_source cnn_random_source;
/** A number uniform in [low, high); NaN for NULL. @since 0.2 */
CNN_API double cnn_random_uniform(cnn_random_source *random, double low, double high);
/** An integer from 0 to bound − 1, all equally likely; 0 for NULL and where `bound` is below 2. @since 0.2 */
CNN_API int64_t cnn_random_integer(cnn_random_source *random, int64_t bound);

/** A transform of the user's: changes `image` [channels, height, width] in place, and draws from `random` alone.
 * Loaders may call it from several threads at once. Anything but CNN_OK ends the epoch with CNN_ERROR_CALLBACK. */
typedef cnn_status (*cnn_transform_fn)(float *image, int64_t channels, int64_t height, int64_t width,
                                       cnn_random_source *random, void *user);
/** Frees what a transform of the user's was given. */
typedef void (*cnn_transform_free_fn)(void *user);
/** Adds a transform of the user's.
 * @param free_user  called with `user` when the chain is freed, and on failure too; may be NULL. @since 0.2 */
CNN_API cnn_status cnn_augment_custom(cnn_augmentation *augmentation, cnn_transform_fn transform,
                                      cnn_transform_free_fn free_user, void *user);
/** @} */

#ifndef __cplusplus
/** `cnn_augment_random_crop(augmentation, height, width, .padding = 4)` */
#define cnn_augment_random_crop(...) CNN__RANDOM_CROP(__VA_ARGS__, .struct_size = sizeof(cnn_random_crop_options))
#define CNN__RANDOM_CROP(augmentation, height, width, ...) \
    cnn_augment_random_crop_with((augmentation), (height), (width), \
                                 &(cnn_random_crop_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_augment_resize(augmentation, height, width, .nearest = true)` */
#define cnn_augment_resize(...) CNN__RESIZE(__VA_ARGS__, .struct_size = sizeof(cnn_resize_options))
#define CNN__RESIZE(augmentation, height, width, ...) \
    cnn_augment_resize_with((augmentation), (height), (width), &(cnn_resize_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_augment_random_resized_crop(augmentation, height, width, .scale_min = 0.5)` */
#define cnn_augment_random_resized_crop(...) \
    CNN__RANDOM_RESIZED_CROP(__VA_ARGS__, .struct_size = sizeof(cnn_random_resized_crop_options))
#define CNN__RANDOM_RESIZED_CROP(augmentation, height, width, ...) \
    cnn_augment_random_resized_crop_with((augmentation), (height), (width), \
                                         &(cnn_random_resized_crop_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_augment_random_rotation(augmentation, min, max, .bilinear = true)` */
#define cnn_augment_random_rotation(...) \
    CNN__RANDOM_ROTATION(__VA_ARGS__, .struct_size = sizeof(cnn_random_rotation_options))
#define CNN__RANDOM_ROTATION(augmentation, min_degrees, max_degrees, ...) \
    cnn_augment_random_rotation_with((augmentation), (min_degrees), (max_degrees), \
                                     &(cnn_random_rotation_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_augment_random_affine(augmentation, min, max, .translate_x = 0.1)` */
#define cnn_augment_random_affine(...) CNN__RANDOM_AFFINE(__VA_ARGS__, .struct_size = sizeof(cnn_random_affine_options))
#define CNN__RANDOM_AFFINE(augmentation, min_degrees, max_degrees, ...) \
    cnn_augment_random_affine_with((augmentation), (min_degrees), (max_degrees), \
                                   &(cnn_random_affine_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_augment_color_jitter(augmentation, .brightness = 0.4)` */
#define cnn_augment_color_jitter(...) CNN__COLOR_JITTER(__VA_ARGS__, .struct_size = sizeof(cnn_color_jitter_options))
#define CNN__COLOR_JITTER(augmentation, ...) \
    cnn_augment_color_jitter_with((augmentation), &(cnn_color_jitter_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_augment_random_erasing(augmentation, .p = 0.25)` */
#define cnn_augment_random_erasing(...) \
    CNN__RANDOM_ERASING(__VA_ARGS__, .struct_size = sizeof(cnn_random_erasing_options))
#define CNN__RANDOM_ERASING(augmentation, ...) \
    cnn_augment_random_erasing_with((augmentation), &(cnn_random_erasing_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
#endif

/** @name Whole batches
 * Each image is mixed with the one before it in the batch, the first with the last, as torchvision.transforms.v2 does,
 * and so are the labels: soft labels for cnn_cross_entropy(). The weight of the image itself, λ, is drawn from
 * Beta(alpha, alpha), once per batch, by the step's random key. Both functions consist of operations on the tape of the
 * images and work on every device.
 *
 * @param images       [N,C,H,W] or, for cnn_mixup(), any [N,…], f32, f64 or bf16, a result of a step (cnn_input()).
 * @param labels       [N], classes from 0 to `classes` − 1 as int64, int32 or uint8.
 * @param alpha        above 0; torchvision's default is 1.
 * @param mixed        receives the images, and
 * @param soft_labels  the labels, [N,classes], with the dtype of the images. Both belong to the step.
 * @return CNN_OK, or the status of the step, as for any operation; on failure both are nil results.
 * @since 0.2
 * @{ */
/** mixup: λ · image + (1 − λ) · other, for labels too. */
CNN_API cnn_status cnn_mixup(cnn_tensor *images, cnn_tensor *labels, int64_t classes, double alpha, cnn_tensor **mixed,
                             cnn_tensor **soft_labels);
/** CutMix: a rectangle of the part 1 − λ of the area comes from the other image; cut off at the border, it gives the
 * labels' weights. */
CNN_API cnn_status cnn_cutmix(cnn_tensor *images, cnn_tensor *labels, int64_t classes, double alpha, cnn_tensor **mixed,
                              cnn_tensor **soft_labels);
/** @} */

CNN_END_DECLS

#endif
