// The functions of librsvg that are called, as <librsvg/rsvg.h> has them.
//
// That header needs those of GLib, and its pkg-config file asks for -pthread, which the package manager refuses with a
// warning in every build; these few declarations of a stable C interface do without both.
#ifndef APUS_LIBRSVG_H
#define APUS_LIBRSVG_H

#include <cairo.h>
#include <stddef.h>
#include <stdint.h>

typedef struct _RsvgHandle RsvgHandle;
typedef struct { double x, y, width, height; } RsvgRectangle;

/// NULL on failure. `error` may be NULL.
RsvgHandle *rsvg_handle_new_from_data(const uint8_t *data, size_t data_len, void **error);
/// 0 on failure. `error` may be NULL.
int rsvg_handle_render_document(RsvgHandle *handle, cairo_t *cr, const RsvgRectangle *viewport, void **error);
void g_object_unref(void *object);

#endif
