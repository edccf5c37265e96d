package main

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// A bar is one bar of a chart.
type bar struct {
	label string
	value float64
	mark  float64 // where a target stands; none if zero
	text  string  // beside the bar
}

// bars draws a chart of horizontal bars as SVG. It has no script and no font of its
// own, and is readable on light and dark ground.
func bars(title string, all []bar) string {
	const left, width, row, top = 210, 420, 24, 44
	most := 0.0
	for _, b := range all {
		most = max(most, b.value, b.mark)
	}
	if most == 0 {
		most = 1
	}
	var s strings.Builder
	open(&s, title, left+width+170, top+row*len(all)+14)
	for i, b := range all {
		y := top + row*i
		fmt.Fprintf(&s, `<text x="%d" y="%d" text-anchor="end">%s</text>`+"\n", left-8, y+13, html.EscapeString(b.label))
		fmt.Fprintf(&s, `<rect x="%d" y="%d" width="%.1f" height="16" fill="#2f6f9f"/>`+"\n", left, y, b.value/most*width)
		fmt.Fprintf(&s, `<text x="%.1f" y="%d">%s</text>`+"\n", left+max(b.value, b.mark)/most*width+6, y+13, html.EscapeString(b.text))
		if b.mark > 0 {
			x := left + b.mark/most*width
			fmt.Fprintf(&s, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#c0392b" stroke-width="2"/>`+"\n", x, y-3, x, y+19)
		}
	}
	s.WriteString("</svg>\n")
	return s.String()
}

func open(s *strings.Builder, title string, width, height int) {
	fmt.Fprintf(s, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12" role="img" aria-label="%s">`+"\n",
		width, height, width, height, html.EscapeString(title))
	fmt.Fprintf(s, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n"+`<text x="10" y="22" font-size="14" font-weight="bold">%s</text>`+"\n", width, height, html.EscapeString(title))
}

// A series is one line of a chart over time.
type series struct {
	name, color string
	points      [][2]float64 // seconds, value
}

// lines draws values over time as SVG.
func lines(title, unit string, all []series) string {
	const left, top, width, height = 60, 40, 620, 220
	var lastX, mostY float64
	for _, line := range all {
		for _, p := range line.points {
			lastX, mostY = max(lastX, p[0]), max(mostY, p[1])
		}
	}
	lastX, mostY = max(lastX, 1), niceCeiling(max(mostY, 1))
	var s strings.Builder
	open(&s, title, left+width+20, top+height+52)
	for i := range 5 {
		y, value := top+height-float64(i)*height/4, mostY*float64(i)/4
		fmt.Fprintf(&s, `<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" stroke="#dddddd"/><text x="%d" y="%.1f" text-anchor="end">%.4g</text>`+"\n", left, y, left+width, y, left-6, y+4, value)
	}
	for i := range 5 {
		fmt.Fprintf(&s, `<text x="%.1f" y="%d" text-anchor="middle">%.0f s</text>`+"\n", left+float64(i)*width/4, top+height+16, lastX*float64(i)/4)
	}
	x := left
	for _, line := range all {
		points := make([]string, len(line.points))
		for j, p := range line.points {
			points[j] = fmt.Sprintf("%.1f,%.1f", left+p[0]/lastX*width, top+height-p[1]/mostY*height)
		}
		fmt.Fprintf(&s, `<polyline fill="none" stroke="%s" stroke-width="1.5" points="%s"/>`+"\n", line.color, strings.Join(points, " "))
		fmt.Fprintf(&s, `<rect x="%d" y="%d" width="12" height="3" fill="%s"/><text x="%d" y="%d">%s</text>`+"\n", x, top+height+36, line.color, x+16, top+height+40, html.EscapeString(line.name))
		x += 30 + 7*len(line.name)
	}
	fmt.Fprintf(&s, `<text x="%d" y="%d" text-anchor="end">%s</text>`+"\n</svg>\n", left+width, top-8, html.EscapeString(unit))
	return s.String()
}

// niceCeiling rounds up to a number that divides well.
func niceCeiling(v float64) float64 {
	step := math.Pow(10, math.Floor(math.Log10(v)))
	for _, f := range []float64{1, 2, 4, 5, 8, 10} {
		if f*step >= v {
			return f * step
		}
	}
	return v
}
