// The emboss filter in C: the same as ../../filters/emboss, byte for byte. It needs clang and wasm-ld alone.
//
// What the host gets may hold string literals: its part of `free` leaves static data alone.
#include <stdlib.h>

#include "filter_plugin.h"
#include "relief.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TEXT(literal) {(uint8_t *)(literal), sizeof(literal) - 1}

// Half of what the second cache of most processors holds.
#define BAND_BYTES (256 << 10)

typedef filter_plugin_string_t string;

// What the filter takes, the best first.
typedef struct {
    string name;
    unsigned bits;
    uint32_t planes;
    uint32_t channels;
    unsigned chroma_across; // halvings of the width of chroma
    unsigned chroma_down;   // halvings of its height
} format;

static const format formats[] = {
    {TEXT("yuv420p"), 8, 3, 1, 1, 1},    {TEXT("yuv422p"), 8, 3, 1, 1, 0},
    {TEXT("yuv444p"), 8, 3, 1, 0, 0},    {TEXT("gray8"), 8, 1, 1, 0, 0},
    {TEXT("rgb24"), 8, 1, 3, 0, 0},      {TEXT("rgba"), 8, 1, 4, 0, 0},
    {TEXT("yuv420p10"), 10, 3, 1, 1, 1}, {TEXT("yuv422p10"), 10, 3, 1, 1, 0},
    {TEXT("yuv444p10"), 10, 3, 1, 0, 0}, {TEXT("gray16"), 16, 1, 1, 0, 0},
    {TEXT("rgb48"), 16, 1, 3, 0, 0},
};

// What `configure` found out.
static unsigned bits;
static uint32_t changed_planes;
static plane_layout planes[3];

static bool equal(string a, string b) {
    if (a.len != b.len) return false;
    for (size_t i = 0; i < a.len; i++) {
        if (a.ptr[i] != b.ptr[i]) return false;
    }
    return true;
}

void exports_filmgate_plugin_filter_describe(
    exports_filmgate_plugin_filter_filter_description_t *description) {
    static string choices[] = {TEXT("luma"), TEXT("all")};
    static filmgate_plugin_types_parameter_spec_t parameters[] = {{
        .name = TEXT("planes"),
        .summary =
            TEXT("which planes of a YUV picture change: the light alone, or the colours too"),
        .kind = TEXT("choice"),
        .default_value = {true, {FILMGATE_PLUGIN_TYPES_VALUE_TEXT, {.text = TEXT("luma")}}},
        .choices = {choices, COUNT(choices)},
    }};
    static filmgate_plugin_types_property_t more[] = {
        {TEXT("license"), {FILMGATE_PLUGIN_TYPES_VALUE_TEXT, {.text = TEXT("MIT OR Apache-2.0")}}},
        {TEXT("homepage"),
         {FILMGATE_PLUGIN_TYPES_VALUE_TEXT,
          {.text = TEXT("https://github.com/filmgate/filmgate")}}},
    };
    static string names[COUNT(formats)];
    for (size_t i = 0; i < COUNT(formats); i++) names[i] = formats[i].name;

    *description = (exports_filmgate_plugin_filter_filter_description_t){
        .about =
            {
                .name = TEXT("emboss-c"),
                .version = TEXT("0.1.0"),
                .summary = TEXT("grey relief, as Pillow's ImageFilter.EMBOSS; in C"),
                .parameters = {parameters, COUNT(parameters)},
                .more = {more, COUNT(more)},
            },
        .formats = {names, COUNT(names)},
        .concurrency = EXPORTS_FILMGATE_PLUGIN_FILTER_CONCURRENCY_PARALLEL,
    };
}

// The value of the parameter `planes`; the host has checked that it is there and a choice.
static bool all_planes(const exports_filmgate_plugin_filter_list_property_t *parameters) {
    static const string name = TEXT("planes");
    static const string all = TEXT("all");
    size_t count = parameters->len;
    for (size_t i = 0; i < count; i++) {
        const filmgate_plugin_types_property_t *given = &parameters->ptr[i];
        if (equal(given->name, name) && given->value.tag == FILMGATE_PLUGIN_TYPES_VALUE_TEXT) {
            return equal(given->value.val.text, all);
        }
    }
    return false;
}

static void lay_out(const format *format, uint32_t width, uint32_t height) {
    for (uint32_t i = 0; i < format->planes; i++) {
        unsigned across = i ? format->chroma_across : 0;
        unsigned down = i ? format->chroma_down : 0;
        planes[i] = (plane_layout){
            .columns = (width + across) >> across,
            .rows = (height + down) >> down,
            .channels = format->channels,
            .sample_bytes = format->bits > 8 ? 2 : 1,
        };
    }
}

bool exports_filmgate_plugin_filter_configure(
    exports_filmgate_plugin_filter_stream_info_t *input,
    exports_filmgate_plugin_filter_list_property_t *parameters,
    exports_filmgate_plugin_filter_stream_info_t *output,
    exports_filmgate_plugin_filter_error_t *error) {
    for (size_t i = 0; i < COUNT(formats); i++) {
        if (!equal(formats[i].name, input->format)) continue;
        bits = formats[i].bits;
        changed_planes = all_planes(parameters) ? formats[i].planes : 1;
        lay_out(&formats[i], input->width, input->height);
        exports_filmgate_plugin_filter_list_property_free(parameters);
        // What the host lent now goes back to it, and is freed after it has read it.
        *output = *input;
        return true;
    }
    exports_filmgate_plugin_filter_stream_info_free(input);
    exports_filmgate_plugin_filter_list_property_free(parameters);
    *error = (exports_filmgate_plugin_filter_error_t){
        FILMGATE_PLUGIN_TYPES_ERROR_UNSUPPORTED,
        {.unsupported = TEXT("emboss-c does not know this pixel format")},
    };
    return false;
}

// Works through a plane in bands, which stay in the processor's cache on their way in and out.
static void emboss(
    filmgate_plugin_frames_borrow_frame_t frame, uint32_t index, plane_layout plane) {
    // A plane with less than three columns or rows is border throughout.
    if (plane.columns < 3 || plane.rows < 3) return;
    uint32_t row_bytes = plane.columns * plane.channels * plane.sample_bytes;
    uint32_t most = BAND_BYTES / row_bytes ? BAND_BYTES / row_bytes : 1;
    for (uint32_t first = 0, end; first < plane.rows; first = end) {
        end = plane.rows - first < most ? plane.rows : first + most;
        uint32_t below = end < plane.rows;
        filter_plugin_list_u8_t samples;
        filmgate_plugin_frames_method_frame_rows(frame, index, first, end - first + below, &samples);
        relief(samples.ptr, plane, first, end, bits);
        filter_plugin_list_u8_t changed = {samples.ptr, (size_t)(end - first) * row_bytes};
        filmgate_plugin_frames_method_frame_set_rows(frame, index, first, &changed);
        filter_plugin_list_u8_free(&samples);
    }
}

bool exports_filmgate_plugin_filter_process(
    exports_filmgate_plugin_filter_own_frame_t input,
    exports_filmgate_plugin_filter_list_own_frame_t *frames,
    exports_filmgate_plugin_filter_error_t *error) {
    (void)error;
    filmgate_plugin_frames_borrow_frame_t frame = filmgate_plugin_frames_borrow_frame(input);
    for (uint32_t i = 0; i < changed_planes; i++) emboss(frame, i, planes[i]);
    // The answer's one handle; freed like any list after the host has read it.
    frames->ptr = malloc(sizeof(input));
    if (!frames->ptr) abort();
    frames->ptr[0] = input;
    frames->len = 1;
    return true;
}

bool exports_filmgate_plugin_filter_flush(
    exports_filmgate_plugin_filter_list_own_frame_t *frames,
    exports_filmgate_plugin_filter_error_t *error) {
    (void)error;
    frames->ptr = NULL;
    frames->len = 0;
    return true;
}
