// Joins a filter to the generated bindings.
#include "filmgate_filter.h"

typedef filter_plugin_list_string_t fg_list_string;
#include "filmgate_common.inc"

static exports_filmgate_plugin_filter_list_own_frame_t answer;
static size_t room;

#define BORROW(frame) filmgate_plugin_frames_borrow_frame(frame)

void fg_put(fg_frame frame) {
    if (answer.len == room) {
        room = room ? 2 * room : 4;
        answer.ptr = realloc(answer.ptr, room * sizeof(*answer.ptr));
        if (!answer.ptr) abort();
    }
    answer.ptr[answer.len++] = frame;
}

void fg_drop(fg_frame frame) { filmgate_plugin_frames_frame_drop_own(frame); }

fg_frame fg_clone(fg_frame frame) { return filmgate_plugin_frames_method_frame_clone(BORROW(frame)); }

fg_samples fg_plane(fg_frame frame, uint32_t plane) {
    fg_samples samples;
    filmgate_plugin_frames_method_frame_plane(BORROW(frame), plane, &samples);
    return samples;
}

void fg_set_plane(fg_frame frame, uint32_t plane, fg_samples samples) {
    filmgate_plugin_frames_method_frame_set_plane(BORROW(frame), plane, &samples);
    fg_free(samples);
}

void fg_free(fg_samples samples) { filter_plugin_list_u8_free(&samples); }

int64_t fg_timestamp(fg_frame frame) {
    fg_info info;
    filmgate_plugin_frames_method_frame_info(BORROW(frame), &info);
    filmgate_plugin_frames_frame_info_free(&info);
    return info.timestamp;
}

void fg_set_tag(fg_frame frame, const char *key, const char *value) {
    fg_string name = fg_literal(key), text = fg_literal(value);
    filmgate_plugin_frames_method_frame_set_tag(BORROW(frame), &name, &text);
}

// ---- what the host calls -----------------------------------------------------------------------

__attribute__((weak)) void flush(void) {}

void exports_filmgate_plugin_filter_describe(
    exports_filmgate_plugin_filter_filter_description_t *description) {
    *description = (exports_filmgate_plugin_filter_filter_description_t){0};
    fg_describe(&description->about);
    fg_list_string formats = fg_words(about.formats);
    description->formats.ptr = formats.ptr;
    description->formats.len = formats.len;
    description->concurrency = about.serial ? EXPORTS_FILMGATE_PLUGIN_FILTER_CONCURRENCY_SERIAL
                                            : EXPORTS_FILMGATE_PLUGIN_FILTER_CONCURRENCY_PARALLEL;
}

bool exports_filmgate_plugin_filter_configure(
    fg_stream *input, exports_filmgate_plugin_filter_list_property_t *parameters, fg_stream *output,
    exports_filmgate_plugin_filter_error_t *error) {
    fg_values values = {parameters->ptr, parameters->len};
    configure(input, &values);
    // What the host lent goes back to it, and is freed after it was read. Texts of `values` live
    // as long as the plugin.
    *output = *input;
    return fg_ended(error);
}

static bool fg_answer(exports_filmgate_plugin_filter_list_own_frame_t *frames,
                      exports_filmgate_plugin_filter_error_t *error) {
    *frames = answer;
    answer.ptr = NULL;
    answer.len = room = 0;
    return fg_ended(error);
}

bool exports_filmgate_plugin_filter_process(
    fg_frame input, exports_filmgate_plugin_filter_list_own_frame_t *frames,
    exports_filmgate_plugin_filter_error_t *error) {
    process(input);
    return fg_answer(frames, error);
}

bool exports_filmgate_plugin_filter_flush(
    exports_filmgate_plugin_filter_list_own_frame_t *frames,
    exports_filmgate_plugin_filter_error_t *error) {
    flush();
    return fg_answer(frames, error);
}
