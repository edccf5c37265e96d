package transfer

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
)

// Defect logs what recover returned, with the stack, which names the place, and
// returns what the operation ended with: [Internal]. The value of a panic may quote
// a record, so only its type is told.
func Defect(ctx context.Context, log *slog.Logger, op string, recovered any, attrs ...slog.Attr) error {
	attrs = append(attrs, slog.String("panic", fmt.Sprintf("%T", recovered)), slog.String("stack", string(debug.Stack())))
	log.LogAttrs(ctx, slog.LevelError, "defect", attrs...)
	return Internal.Fail(op, "a defect of the integration; its log entry names the place")
}
