// Command kstatus says how Kubernetes tools read the status of objects: it reads one JSON object a line and answers each with
// one line of JSON, by the published algorithm that Flux, Helm and others share.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type verdict struct {
	Status  status.Status `json:"status"`
	Message string        `json:"message"`
}

func main() {
	if err := answer(); err != nil {
		fmt.Fprintln(os.Stderr, "kstatus:", err)
		os.Exit(1)
	}
}

func answer() error {
	objects := json.NewDecoder(bufio.NewReader(os.Stdin))
	verdicts := json.NewEncoder(os.Stdout)
	for objects.More() {
		var object unstructured.Unstructured
		if err := objects.Decode(&object); err != nil {
			return err
		}
		result, err := status.Compute(&object)
		if err != nil {
			return fmt.Errorf("%s %s: %w", object.GetKind(), object.GetName(), err)
		}
		if err := verdicts.Encode(verdict{result.Status, result.Message}); err != nil {
			return err
		}
	}
	return nil
}
