/** @file
 * libcnn-image: pictures in PNG and JPEG files as tensors, and folders of pictures by class as datasets.
 *
 * A library of its own beside libcnn (link with `-lcnn-image -lcnn`, or `pkg-config cnn-image`), because it needs
 * libpng and libjpeg; <cnn/cnn.h> does not include this header.
 *
 * Pictures are u8 tensors [channels, height, width], as torchvision.io has them. They may come from strangers: a file
 * that is truncated or malformed fails with CNN_ERROR_FORMAT and a message that names the file and what is wrong with
 * it. Neither library prints, exits or jumps out of a call. The memory of a picture that is being decoded comes from
 * the C library, that of tensors from their context.
 *
 * Every function may be called by several threads at once. */
#ifndef CNN_IMAGE_H
#define CNN_IMAGE_H

#include <cnn/cnn.h>

CNN_BEGIN_DECLS

/** @name Pictures
 * @{ */

/** Which channels a picture is given out with; the numbers are those of torchvision.io.ImageReadMode. Gray is made of
 * colour by ITU-R 601 (0.299 R + 0.587 G + 0.114 B, rounded, as PIL does; a JPEG's own luma is used as it is), colour
 * of gray by repetition. An alpha channel that is not asked for is dropped, one that is missing is 255. */
typedef enum cnn_image_mode {
    CNN_IMAGE_UNCHANGED = 0,  /**< as the file has them: 1, 2 (gray and alpha), 3 or 4 (RGB and alpha) channels */
    CNN_IMAGE_GRAY = 1,       /**< 1 channel */
    CNN_IMAGE_GRAY_ALPHA = 2, /**< 2 channels */
    CNN_IMAGE_RGB = 3,        /**< 3 channels */
    CNN_IMAGE_RGB_ALPHA = 4   /**< 4 channels */
} cnn_image_mode;

/** The default of cnn_image_options' `max_pixels`, which is where PIL begins to warn of decompression bombs. */
#define CNN_IMAGE_MAX_PIXELS 89478485

/** Options of cnn_image_read(), cnn_image_decode() and cnn_image_size(); zero means the default. */
typedef struct cnn_image_options {
    size_t struct_size;          /**< sizeof(cnn_image_options) */
    int64_t max_pixels;          /**< refuse pictures of more than this (height × width) with CNN_ERROR_UNSUPPORTED,
                                      before anything is decoded; default: #CNN_IMAGE_MAX_PIXELS */
    cnn_image_mode mode;         /**< default: CNN_IMAGE_UNCHANGED */
    bool apply_exif_orientation; /**< turn the picture as its EXIF orientation says; default: as it is stored */
    unsigned char reserved[11];  /**< zero: room for later options */
} cnn_image_options;

/**
 * Reads a PNG or JPEG file, as torchvision.io.read_image; the first bytes of the file tell which it is, and not its
 * name.
 *
 * PNG: all bit depths and colour types, interlaced or not. A palette is expanded to RGB and transparency to an alpha
 * channel; fewer than 8 bits are scaled up to 0 … 255 and 16 bits down, to the nearest number. Gamma and colour
 * profiles are not applied, and of an animation the first picture is read.
 * JPEG: gray and colour, baseline and progressive, decoded by libjpeg's exact integer transform and smooth upsampling
 * (its defaults, which are PIL's and torchvision's). CMYK and YCCK, which are taken for inverted as Adobe's programs
 * write them, become RGB by r = (255 - C)(255 - K) / 255 and its like. Damage in the compressed data that libjpeg can
 * go on from is no failure, as in PIL and torchvision, but a file that ends too early is.
 *
 * @param options  NULL for the defaults.
 * @return a u8 tensor [channels, height, width] owned by the caller, on the context's device; NULL on failure:
 *         CNN_ERROR_NOT_FOUND; CNN_ERROR_IO; CNN_ERROR_FORMAT for what is truncated, malformed or in no form that is
 *         read; CNN_ERROR_UNSUPPORTED for a picture of more than `max_pixels`; CNN_ERROR_INVALID_ARGUMENT; no memory.
 * @since 0.2
 */
CNN_API cnn_tensor *cnn_image_read(cnn_context *ctx, const char *path, const cnn_image_options *options);

/**
 * cnn_image_read() of a file's bytes in memory, which messages call "the bytes".
 * @since 0.2
 */
CNN_API cnn_tensor *cnn_image_decode(cnn_context *ctx, const void *bytes, size_t size,
                                     const cnn_image_options *options);

/**
 * The shape that cnn_image_read() would give, from the file's header alone: nothing is decoded, and `max_pixels` is not
 * looked at, so this is also the way to find out how large a refused picture is.
 *
 * @param options  NULL for the defaults; those that a later cnn_image_read() is given.
 * @param shape    filled with channels, height and width on success, and left alone on failure.
 * @return CNN_OK, or a failure as cnn_image_read()'s.
 * @since 0.2
 */
CNN_API cnn_status cnn_image_size(cnn_context *ctx, const char *path, const cnn_image_options *options,
                                  int64_t shape[3]);

/**
 * Writes a picture as a PNG file, as torchvision.io.write_png. The file appears under its name when it is complete;
 * what was there before is replaced.
 *
 * @param image  u8 [channels, height, width] with 1, 2, 3 or 4 channels (gray, gray and alpha, RGB, RGB and alpha),
 *               height and width from 1 to 2^31 - 1; any strides and device.
 * @param compression_level  0 (none) to 9 (smallest); torchvision's default is 6.
 * @return CNN_OK; CNN_ERROR_DTYPE, CNN_ERROR_SHAPE, CNN_ERROR_INVALID_ARGUMENT, CNN_ERROR_IO, CNN_ERROR_NO_MEMORY.
 * @since 0.2
 */
CNN_API cnn_status cnn_image_write_png(const cnn_tensor *image, const char *path, int compression_level);

/**
 * Writes a picture as a JPEG file, as torchvision.io.write_jpeg, like cnn_image_write_png().
 *
 * @param image    u8 [channels, height, width] with 1 or 3 channels, height and width from 1 to 65500.
 * @param quality  1 to 100; torchvision's default is 75.
 * @since 0.2
 */
CNN_API cnn_status cnn_image_write_jpeg(const cnn_tensor *image, const char *path, int quality);

/** @} */

/** @name Folders of pictures by class
 * @{ */

/** How a picture of any size is brought to the size of the dataset's samples. */
typedef enum cnn_image_fit {
    CNN_IMAGE_CROP = 0,   /**< resized with its proportions kept, then cropped around the centre */
    CNN_IMAGE_STRETCH = 1 /**< resized to exactly that size */
} cnn_image_fit;

/** What a folder's dataset was made of: the names of its classes and the paths of its samples. */
typedef struct cnn_image_folder cnn_image_folder;

/** Options of cnn_image_folder_open(); zero means the default. */
typedef struct cnn_image_folder_options {
    size_t struct_size;          /**< sizeof(cnn_image_folder_options) */
    int64_t height;              /**< the height of each sample; required without `own_sizes`, 1 to 65535 */
    int64_t width;               /**< the width of each sample; default: `height` */
    int64_t shorter_side;        /**< CNN_IMAGE_CROP alone: the length that the shorter side of the picture is resized
                                      to before it is cropped, at least `height` and `width` (torchvision's
                                      Resize(shorter_side), CenterCrop((height, width))); default: the picture is
                                      resized until it just covers height × width */
    int64_t max_pixels;          /**< as in cnn_image_options */
    int64_t cache_bytes;         /**< keep decoded pictures, as they are before they are resized, in at most so much
                                      memory, so that later epochs do not decode them again; default: none */
    const double *mean;          /**< one number per channel: samples are (x - mean) / std; give both or none */
    const double *std;           /**< one number above 0 per channel */
    cnn_image_folder **folder;   /**< where to put a handle for the names of classes and paths, which the caller frees
                                      by cnn_image_folder_free(); NULL on failure; default: none is made */
    int channels;                /**< 3 (RGB) or 1 (gray); default: 3 */
    cnn_image_fit fit;           /**< default: CNN_IMAGE_CROP */
    bool apply_exif_orientation; /**< turn pictures as their EXIF orientation says; default: as they are stored */
    bool skip_unreadable;        /**< decode every picture once, now, and leave out those that cannot be read */
    bool allow_empty;            /**< a class without a picture is no error */
    bool dct_scaling;            /**< decode JPEG pictures to a half, a quarter or an eighth of their size where that
                                      is at least twice the size they are resized to: faster, with other bits, close
                                      to the exact ones */
    bool own_sizes;              /**< samples are as large as their pictures; the sizes, `fit` and `dct_scaling` are
                                      0 then. @since 0.2 */
    unsigned char reserved[11];  /**< zero: room for later options */
} cnn_image_folder_options;

/**
 * Opens a folder of pictures by class, as torchvision.datasets.ImageFolder with the transforms Resize, CenterCrop,
 * ToTensor and Normalize: `directory`/cat/1.jpg is a sample of the class "cat".
 *
 * The classes are the folders in `directory`, sorted by the bytes of their names; a sample's label is the number of its
 * class. The samples of a class are all files in its folder and in folders below whose names end in .png, .jpg or
 * .jpeg, in any case, sorted by folder and then by name. Links are followed. What else is in the folders is ignored.
 *
 * Images come out as f32 [channels, height, width], scaled to [0, 1] and normalised if `mean` is given; labels as i64.
 * Pictures are resized by a bilinear filter with antialiasing, in f32 and without rounding in between, as torchvision
 * resizes tensors of f32: within 1e-5 of its results, and within 1/255 of those of PIL, which rounds to whole levels.
 * With CNN_IMAGE_CROP the proportions are kept: the longer side's length is rounded down, and the crop begins at half
 * of what is left over, rounded half to even.
 *
 * With `own_sizes` a sample is the whole picture, and no two need be of one size. cnn_dataset_augment() makes images of
 * one size of them, such as by RandomResizedCrop of the original picture; a loader's `collate` (loader.h) takes them as
 * they are. Transforms that expect numbers in [0, 1] want no `mean` here, but a cnn_augment_normalize() behind them.
 *
 * A picture that cannot be read is found when its sample is read: cnn_loader_next() and cnn_dataset_get() then fail
 * with a message that has its path. `skip_unreadable` finds them all at once, which takes as long as an epoch.
 * The samples may be read by several threads at once.
 *
 * @return a dataset owned by the caller, which remembers the paths and reads the pictures when they are wanted; NULL on
 *         failure: CNN_ERROR_NOT_FOUND where `directory`, its classes or the pictures of a class are missing (the
 *         message names the first class without one); CNN_ERROR_IO; CNN_ERROR_INVALID_ARGUMENT; no memory.
 * @since 0.2
 */
CNN_API cnn_dataset *cnn_image_folder_open(cnn_context *ctx, const char *directory,
                                           const cnn_image_folder_options *options);

/** Frees a handle; the dataset and the handle do not need each other. NULL is fine. @since 0.2 */
CNN_API void cnn_image_folder_free(cnn_image_folder *folder);

/** How many classes; 0 for NULL. @since 0.2 */
CNN_API int64_t cnn_image_folder_class_count(const cnn_image_folder *folder);

/** The name of class `i`, which is that of its folder; valid as long as the handle. NULL for a number that no class
 * has (CNN_ERROR_INVALID_ARGUMENT). @since 0.2 */
CNN_API const char *cnn_image_folder_class_name(const cnn_image_folder *folder, int64_t i);

/** How many samples class `i` has; 0 for a number that no class has (CNN_ERROR_INVALID_ARGUMENT). @since 0.2 */
CNN_API int64_t cnn_image_folder_class_size(const cnn_image_folder *folder, int64_t i);

/** How many samples; 0 for NULL. @since 0.2 */
CNN_API int64_t cnn_image_folder_size(const cnn_image_folder *folder);

/** The path of sample `i`, which begins with the directory as it was given; valid as long as the handle. NULL for a
 * number that no sample has (CNN_ERROR_INVALID_ARGUMENT). @since 0.2 */
CNN_API const char *cnn_image_folder_path(const cnn_image_folder *folder, int64_t i);

/** The label of sample `i`; -1 for a number that no sample has (CNN_ERROR_INVALID_ARGUMENT). @since 0.2 */
CNN_API int64_t cnn_image_folder_label(const cnn_image_folder *folder, int64_t i);

/** How many pictures were left out because `skip_unreadable` found that they cannot be read; 0 for NULL. @since 0.2 */
CNN_API int64_t cnn_image_folder_skipped(const cnn_image_folder *folder);

/** @} */

CNN_END_DECLS

#endif
