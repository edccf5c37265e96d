package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"time"
)

// dynalite is a stand-in for DynamoDB under way.
type dynalite struct {
	address string
	cmd     *exec.Cmd
}

// startDynalite starts it on a free port.
func (b *bench) startDynalite() (*dynalite, error) {
	if b.dynalite == "" {
		return nil, errors.New("dynalite is not there: scripts/bench installs it where there are node and npm")
	}
	port, err := freePort(b.ctx)
	if err != nil {
		return nil, err
	}
	d := &dynalite{address: "http://127.0.0.1:" + port, cmd: exec.CommandContext(b.ctx, "node", b.dynalite, "--port", port, "--createTableMs", "0")}
	d.cmd.Stderr = b.log
	if err := d.cmd.Start(); err != nil {
		return nil, err
	}
	for range 100 {
		request, err := http.NewRequestWithContext(b.ctx, http.MethodGet, d.address, nil)
		if err != nil {
			break
		}
		if answer, err := http.DefaultClient.Do(request); err == nil {
			_ = answer.Body.Close()
			return d, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	d.stop()
	return nil, fmt.Errorf("dynalite does not answer at %s", d.address)
}

func (d *dynalite) stop() {
	_ = d.cmd.Process.Kill()
	_ = d.cmd.Wait()
}

func freePort(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port), listener.Close()
}
