package outbound_test

import (
	"net"
	"os"
	"syscall"
)

var (
	netDialError = net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	dnsError     = net.DNSError{Name: "api.example.com", Err: "no such host", IsNotFound: true}
)
