package main

import (
	"archive/zip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

// A beginning is how long the function needs until it is ready, and how large it is.
type beginning struct {
	Product, Floor time.Duration // process start to the first request for an event, medians
	Size, Zipped   int64         // bytes, arm64
}

// beginning measures starts against a small Runtime API, and the size of what is
// deployed.
func (b *bench) beginning() (beginning, error) {
	var result beginning
	here, there := filepath.Join(b.binaries, "bootstrap"), filepath.Join(b.binaries, "arm64", "bootstrap")
	flags, err := b.functionFlags()
	if err != nil {
		return result, err
	}
	for path, arch := range map[string]string{here: runtime.GOARCH, there: "arm64"} {
		if err := b.goTool([]string{"CGO_ENABLED=0", "GOOS=" + runtime.GOOS, "GOARCH=" + arch, "GOFLAGS=" + flags}, "build", "-o", path, "./functions/poll"); err != nil {
			return result, err
		}
	}
	if result.Size, result.Zipped, err = sizes(there); err != nil {
		return result, err
	}
	api, err := newRuntimeAPI()
	if err != nil {
		return result, err
	}
	defer api.close()
	var product, floor []time.Duration
	for range 15 {
		for _, p := range []struct {
			to   *[]time.Duration
			path string
			args []string
		}{{&product, here, nil}, {&floor, filepath.Join(b.binaries, "floor"), []string{"-kind", "ready"}}} {
			took, err := api.start(b.ctx, p.path, p.args...)
			if err != nil {
				return result, err
			}
			*p.to = append(*p.to, took)
		}
	}
	result.Product, result.Floor = median(product), median(floor)
	b.say("start to ready %s, floor %s; %d bytes, zipped %d", result.Product, result.Floor, result.Size, result.Zipped)
	return result, nil
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2].Round(10 * time.Microsecond)
}

// functionFlags reads from the Makefile how functions are built.
func (b *bench) functionFlags() (string, error) {
	makefile, err := os.ReadFile(filepath.Join(b.root, "Makefile"))
	if err != nil {
		return "", err
	}
	found := regexp.MustCompile(`(?m)^FUNCTION_GOFLAGS := (.+)$`).FindSubmatch(makefile)
	if found == nil {
		return "", errors.New("the Makefile has no FUNCTION_GOFLAGS")
	}
	return string(found[1]), nil
}

func sizes(path string) (size, zipped int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = f.Close() }()
	var counted counter
	archive := zip.NewWriter(&counted)
	w, err := archive.Create("bootstrap")
	if err != nil {
		return 0, 0, err
	}
	size, err = io.Copy(w, f)
	err = errors.Join(err, archive.Close())
	return size, counted.n, err
}

type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) { c.n += int64(len(p)); return len(p), nil }

// runtimeAPI is as much of Lambda's Runtime API as a function asks for at its start.
type runtimeAPI struct {
	listener net.Listener
	asked    chan time.Time
}

func newRuntimeAPI() (*runtimeAPI, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	api := &runtimeAPI{listener: listener, asked: make(chan time.Time, 1)}
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/runtime/invocation/next") {
			http.NotFound(w, r)
			return
		}
		api.asked <- time.Now()
		<-r.Context().Done() // there is no event
	})}
	go func() { _ = server.Serve(listener) }()
	return api, nil
}

func (a *runtimeAPI) close() { _ = a.listener.Close() }

// start starts a function, waits until it asks for an event, and ends it.
func (a *runtimeAPI) start(ctx context.Context, path string, args ...string) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + a.listener.Addr().String(), "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=key", "AWS_SECRET_ACCESS_KEY=secret",
		"TABLE_NAME=transfers", "SECRET_ID=secret", "BC_COMPANY=CRONUS USA, Inc.", "IPAAS_SYSTEM_ID=313",
	}
	started := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() { _ = cmd.Wait() }()
	defer func() { _ = cmd.Process.Kill() }()
	select {
	case at := <-a.asked:
		return at.Sub(started), nil
	case <-time.After(10 * time.Second):
		return 0, errors.New("the function does not ask for an event")
	}
}
