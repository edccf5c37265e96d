package transfer

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
)

// LogDefect logs what recover returned, with the stack, which names the place. The
// value of a panic may quote a record, so only its type is told.
func LogDefect(ctx context.Context, log *slog.Logger, defect any, attrs ...slog.Attr) {
	attrs = append(attrs, slog.String("panic", fmt.Sprintf("%T", defect)), slog.String("stack", string(debug.Stack())))
	log.LogAttrs(ctx, slog.LevelError, "defect", attrs...)
}
