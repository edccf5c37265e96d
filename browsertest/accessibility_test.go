package browsertest_test

import (
	"context"
	_ "embed"
	"encoding/json"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"
)

//go:embed accessibility.js
var accessibilityChecks string

// accessible holds what the page shows to the checks of accessibility.js, and each
// control to having a name in the browser's accessibility tree.
func (d *desk) accessible(what string) {
	d.t.Helper()
	if problems := d.text(accessibilityChecks); problems != "" {
		d.t.Errorf("%s:\n%s", what, problems)
	}
	var tree accessibility.GetFullAXTreeResult
	d.do("read the accessibility tree", chromedp.Func(func(ctx context.Context, t *chromedp.Target) (err error) {
		tree, err = cdp.Call(ctx, t, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
		return err
	}))
	controls := 0
	for _, node := range tree.Nodes {
		role := axText(node.Role)
		if node.Ignored || !slices.Contains([]string{"link", "button", "textbox", "searchbox", "combobox", "checkbox", "img", "table", "navigation", "dialog", "region", "DateTime", "InputTime"}, role) {
			continue
		}
		controls++
		if strings.TrimSpace(axText(node.Name)) == "" {
			d.t.Errorf("%s: a %s has no name for a screen reader", what, role)
		}
	}
	if controls < 2 {
		d.t.Errorf("%s: the accessibility tree has %d controls; is it read rightly?", what, controls)
	}
}

func axText(value *accessibility.Value) string {
	if value == nil {
		return ""
	}
	var text string
	_ = json.Unmarshal(value.Value, &text) // another type is no text
	return text
}
