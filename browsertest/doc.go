// Package browsertest works through the operator's page as a person does, in a
// real Chromium: its tests are skipped where none is installed (make browser
// installs Debian's). They also take the screenshots of docs/operators-desk.md.
package browsertest
