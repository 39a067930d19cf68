// The part of a kubelet that serves `kubectl exec`: its own streaming code, with folders for containers.
//
// The API server connects to it as to any kubelet. A container is a folder DIR/POD: its programs are real
// files below it, `environ` is its environment, and what is not there cannot be run.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"
)

type folders struct{ root string }

// ExecInContainer runs a program of a Pod's folder.
func (f folders) ExecInContainer(ctx context.Context, pod, _, _ string, cmd []string, _ io.Reader, out, errs io.WriteCloser, _ bool, _ <-chan remotecommand.TerminalSize, _ time.Duration) error {
	home := filepath.Join(f.root, filepath.Base(pod))
	program := filepath.Join(home, "usr/bin", cmd[0])
	if filepath.IsAbs(cmd[0]) {
		program = filepath.Join(home, cmd[0])
	}
	if _, err := os.Lstat(program); err != nil {
		return fmt.Errorf("OCI runtime exec failed: exec failed: unable to start container process: exec: %q: executable file not found in $PATH", cmd[0])
	}
	command := exec.CommandContext(ctx, program, cmd[1:]...)
	command.Dir, command.Stdout, command.Stderr = home, out, errs
	command.Env = []string{"PATH=/usr/bin:/bin:/usr/sbin:/sbin"}
	if environ, err := os.Open(filepath.Join(home, "environ")); err == nil {
		defer environ.Close()
		for lines := bufio.NewScanner(environ); lines.Scan(); {
			command.Env = append(command.Env, lines.Text())
		}
	}
	err := command.Run()
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		return utilexec.CodeExitError{Err: err, Code: ended.ExitCode()}
	}
	return err
}

func main() {
	root := flag.String("root", "", "the folder with a folder for each Pod")
	certificate := flag.String("cert", "", "its certificate (PEM)")
	key := flag.String("key", "", "the key of it")
	flag.Parse()
	exec := func(w http.ResponseWriter, r *http.Request) {
		said := strings.Split(strings.Trim(r.URL.Path, "/"), "/") // exec/NAMESPACE/POD/CONTAINER
		options, err := remotecommand.NewOptions(r)
		if err != nil || len(said) < 4 {
			http.Error(w, "what is to be run, and where?", http.StatusBadRequest)
			return
		}
		remotecommand.ServeExec(w, r, folders{*root}, said[2], "", said[len(said)-1], r.URL.Query()["command"], options, time.Hour, 30*time.Second, remotecommand.SupportedStreamingProtocols)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	log.Fatal(http.ServeTLS(listener, http.HandlerFunc(exec), *certificate, *key))
}
