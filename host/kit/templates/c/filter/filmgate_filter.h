// The functions of a filter: you write those in the first part and call those in the second.
#pragma once
#include "filmgate.h"

typedef filmgate_plugin_frames_own_frame_t fg_frame;
typedef filter_plugin_list_u8_t fg_samples; // ptr and len
typedef exports_filmgate_plugin_filter_stream_info_t fg_stream;
typedef filmgate_plugin_frames_frame_info_t fg_info;

// ---- yours -------------------------------------------------------------------------------------

// Called once. Change `stream` where the frames that come out have another size or format.
void configure(fg_stream *stream, const fg_values *values);
// Called for each frame. Put it, keep it, or drop it.
void process(fg_frame frame);
// Called at the end of the stream where `about.serial` is set: put what was kept.
void flush(void);

// ---- filmgate's --------------------------------------------------------------------------------

void fg_put(fg_frame frame); // it comes out
void fg_drop(fg_frame frame);
fg_frame fg_clone(fg_frame frame);
fg_samples fg_plane(fg_frame frame, uint32_t plane); // a copy of the samples; give it back:
void fg_set_plane(fg_frame frame, uint32_t plane, fg_samples samples); // sets and frees them
void fg_free(fg_samples samples);
int64_t fg_timestamp(fg_frame frame); // nanoseconds
void fg_set_tag(fg_frame frame, const char *key, const char *value);
