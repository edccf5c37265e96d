// Package browsertest works through the operator's page as a person does, in a
// real Chromium (make browser installs Debian's). Without one its tests are
// skipped, or fail with -need-browser. With -screenshots they take the pictures
// of docs/operators-desk.md, from the sandbox as contactsync sandbox --serve
// shows it.
package browsertest
