// Command kube is a Kubernetes control plane for tests in one binary: etcd, kube-apiserver and kube-controller-manager,
// unchanged, behind one argument that says which.
package main

import (
	"fmt"
	"io"
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

func main() {
	if len(os.Args) < 2 {
		usage()
	}
	if os.Getenv("KUBE_ENDS_WITH_STDIN") != "" {
		go endWithStdin()
	}
	// What follows reads os.Args itself, each as if it were a program of its own.
	part := os.Args[1]
	os.Args = append([]string{part}, os.Args[2:]...)
	switch part {
	case "etcd":
		etcdmain.Main(os.Args)
	case "apiserver":
		os.Exit(cli.Run(apiserver.NewAPIServerCommand()))
	case "controller-manager":
		os.Exit(cli.Run(controllermanager.NewControllerManagerCommand()))
	default:
		usage()
	}
}

// endWithStdin ends the process when whoever holds the other end of its standard input is gone, however that went: a killed
// test leaves no server behind.
func endWithStdin() {
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(1)
}

func usage() {
	fmt.Fprintln(os.Stderr, "usage: kube etcd|apiserver|controller-manager FLAGS")
	os.Exit(2)
}
