// Prints the fields of every struct of Kubernetes' built-in kinds, one struct a line, for the sandbox:
//
//	kubernetes=$(cd ../../../tests/cluster/go/kubernetes && go list -m -f '{{.Dir}}' k8s.io/kubernetes)
//	go run . "$kubernetes" > ../src/schema/types.txt
//	go run . "$kubernetes" schemas > ../src/api/openapi/schemas.txt
//
// What a field is called, whether it is written when it is empty, its number in protobuf and how a strategic
// patch merges it are in the tags of the Go types; who owns what of it in server-side apply is in the OpenAPI
// documents beside them. The form is described in ../src/schema/types.rs. With "schemas" it prints what the fields
// mean instead (schemas.go).
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	admission "k8s.io/api/admissionregistration/v1"
	apps "k8s.io/api/apps/v1"
	authentication "k8s.io/api/authentication/v1"
	authorization "k8s.io/api/authorization/v1"
	autoscaling1 "k8s.io/api/autoscaling/v1"
	autoscaling2 "k8s.io/api/autoscaling/v2"
	batch "k8s.io/api/batch/v1"
	coordination "k8s.io/api/coordination/v1"
	core "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	events "k8s.io/api/events/v1"
	networking "k8s.io/api/networking/v1"
	node "k8s.io/api/node/v1"
	policy "k8s.io/api/policy/v1"
	rbac "k8s.io/api/rbac/v1"
	scheduling "k8s.io/api/scheduling/v1"
	storage "k8s.io/api/storage/v1"
	extensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// The kinds that have a line of their own; what they are made of follows. Of two structs with one name the
// first keeps it, the other gets its API version in front.
var kinds = []any{
	meta.ObjectMeta{}, meta.DeleteOptions{},
	core.Pod{}, core.Service{}, core.ConfigMap{}, core.Secret{}, core.Event{}, core.Node{}, core.Namespace{},
	core.ServiceAccount{}, core.Endpoints{}, core.PersistentVolume{}, core.PersistentVolumeClaim{},
	core.ResourceQuota{}, core.LimitRange{}, core.ReplicationController{}, core.PodTemplate{}, core.Binding{},
	apps.Deployment{}, apps.ReplicaSet{}, apps.StatefulSet{}, apps.DaemonSet{}, apps.ControllerRevision{},
	batch.Job{}, batch.CronJob{},
	autoscaling2.HorizontalPodAutoscaler{}, autoscaling1.Scale{}, autoscaling1.HorizontalPodAutoscaler{},
	rbac.Role{}, rbac.RoleBinding{}, rbac.ClusterRole{}, rbac.ClusterRoleBinding{},
	networking.Ingress{}, networking.IngressClass{}, networking.NetworkPolicy{},
	policy.PodDisruptionBudget{}, policy.Eviction{},
	storage.StorageClass{}, storage.VolumeAttachment{}, storage.CSIDriver{}, storage.CSINode{},
	scheduling.PriorityClass{}, node.RuntimeClass{},
	discovery.EndpointSlice{}, coordination.Lease{}, events.Event{},
	authorization.SelfSubjectAccessReview{}, authorization.SubjectAccessReview{},
	authorization.LocalSubjectAccessReview{}, authorization.SelfSubjectRulesReview{},
	authentication.TokenRequest{}, authentication.TokenReview{}, authentication.SelfSubjectReview{},
	admission.ValidatingWebhookConfiguration{}, admission.MutatingWebhookConfiguration{},
	extensions.CustomResourceDefinition{},
}

// Types with a form of their own in JSON.
var special = map[reflect.Type]string{
	reflect.TypeFor[meta.Time]():                               "t",
	reflect.TypeFor[meta.MicroTime]():                          "m",
	reflect.TypeFor[meta.Duration]():                           "s",
	reflect.TypeFor[resource.Quantity]():                       "q",
	reflect.TypeFor[intstr.IntOrString]():                      "p",
	reflect.TypeFor[runtime.RawExtension]():                    "any",
	reflect.TypeFor[meta.FieldsV1]():                           "any",
	reflect.TypeFor[extensions.JSON]():                         "any",
	reflect.TypeFor[extensions.JSONSchemaPropsOrArray]():       "any",
	reflect.TypeFor[extensions.JSONSchemaPropsOrBool]():        "any",
	reflect.TypeFor[extensions.JSONSchemaPropsOrStringArray](): "any",
}

type schema struct {
	Properties map[string]map[string]any `json:"properties"`
	MapType    string                    `json:"x-kubernetes-map-type"`
}

type table struct {
	schemas map[string]schema
	names   map[reflect.Type]string
	taken   map[string]bool
	rows    []row
}

type row struct {
	of     reflect.Type
	schema string
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) < 2 || len(os.Args) > 3 || len(os.Args) == 3 && os.Args[2] != "schemas" {
		return fmt.Errorf("usage: types FOLDER-OF-K8S.IO/KUBERNETES [schemas]")
	}
	t := table{schemas: map[string]schema{}, names: map[reflect.Type]string{}, taken: map[string]bool{}}
	files, err := filepath.Glob(filepath.Join(os.Args[1], "api/openapi-spec/v3/*_openapi.json"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("no OpenAPI documents in %s: %v", os.Args[1], err)
	}
	documents := map[string]json.RawMessage{}
	for _, file := range files {
		var document struct {
			Components struct {
				Schemas map[string]json.RawMessage `json:"schemas"`
			} `json:"components"`
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(text, &document); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		for name, text := range document.Components.Schemas {
			var found schema
			if err := json.Unmarshal(text, &found); err != nil {
				return fmt.Errorf("%s: %s: %w", file, name, err)
			}
			t.schemas[name], documents[name] = found, text
		}
	}
	if len(os.Args) == 3 {
		return printSchemas(documents)
	}
	for _, kind := range kinds {
		t.name(reflect.TypeOf(kind), "")
	}
	// Naming a struct's fields adds the structs that they are of.
	for at := 0; at < len(t.rows); at++ {
		fmt.Println(t.line(t.rows[at]))
	}
	return nil
}

// Returns the struct's name, making its row when it is new.
func (t *table) name(of reflect.Type, outer string) string {
	if name, known := t.names[of]; known {
		return name
	}
	name := of.Name()
	if t.taken[name] {
		parts := strings.Split(of.PkgPath(), "/")
		name = strings.Join(parts[len(parts)-2:], ".") + "." + name
	}
	t.taken[name] = true
	t.names[of] = name
	definition := definition(of)
	if _, known := t.schemas[definition]; !known {
		definition = outer
	}
	t.rows = append(t.rows, row{of, definition})
	return name
}

func (t *table) line(r row) string {
	head := t.names[r.of]
	if t.schemas[r.schema].MapType == "atomic" {
		head += "*"
	}
	words := []string{head}
	for at := 0; at < r.of.NumField(); at++ {
		if word := t.field(r, r.of.Field(at)); word != "" {
			words = append(words, word)
		}
	}
	return strings.Join(words, " ")
}

func (t *table) field(r row, field reflect.StructField) string {
	name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
	number := ""
	if parts := strings.Split(field.Tag.Get("protobuf"), ","); len(parts) > 1 {
		number = "#" + parts[1]
	}
	if name == "-" {
		return ""
	}
	if name == "" {
		if field.Type == reflect.TypeFor[meta.TypeMeta]() {
			return "apiVersion:s kind:s"
		}
		return ":" + t.name(field.Type, r.schema) + number
	}
	property := t.schemas[r.schema].Properties[name]
	word := name + ":" + t.shape(field.Type)
	switch property["x-kubernetes-map-type"] {
	case "atomic":
		word += "*"
	case "granular":
		word += "/"
	}
	switch property["x-kubernetes-list-type"] {
	case "set":
		word += "+"
	case "map":
		var keys []string
		for _, key := range property["x-kubernetes-list-map-keys"].([]any) {
			keys = append(keys, key.(string))
		}
		word += "@" + strings.Join(keys, ",")
	}
	for _, strategy := range strings.Split(field.Tag.Get("patchStrategy"), ",") {
		switch strategy {
		case "merge":
			word += "~" + field.Tag.Get("patchMergeKey")
		case "replace":
			word += "%"
		}
	}
	switch value := property["default"].(type) {
	case string:
		if value != "" {
			word += "=" + value
		}
	case float64:
		if value != 0 {
			word += fmt.Sprintf("=%v", value)
		}
	}
	return word + written(field.Type, options) + number
}

// Returns when a field is written: always, also at its zero value, or only when it is not zero.
func written(of reflect.Type, options string) string {
	switch {
	case strings.Contains(options, "omitzero"):
		if of.Kind() == reflect.Pointer {
			return "?"
		}
		return ""
	case !strings.Contains(options, "omitempty"):
		if of.Kind() == reflect.Pointer || of.Kind() == reflect.Map || of.Kind() == reflect.Slice || isTime(of) {
			return "!!"
		}
		return "!"
	case isTime(of):
		return "!!"
	case of.Kind() == reflect.Struct:
		return "!"
	case of.Kind() == reflect.Pointer:
		return "?"
	}
	return ""
}

func isTime(of reflect.Type) bool {
	return of == reflect.TypeFor[meta.Time]() || of == reflect.TypeFor[meta.MicroTime]()
}

func (t *table) shape(of reflect.Type) string {
	for of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	if word, known := special[of]; known {
		return word
	}
	switch of.Kind() {
	case reflect.String:
		return "s"
	case reflect.Bool:
		return "b"
	case reflect.Int32:
		return "i"
	case reflect.Int, reflect.Int64:
		return "l"
	case reflect.Float64:
		return "any"
	case reflect.Slice:
		if of.Elem().Kind() == reflect.Uint8 {
			return "x"
		}
		return "[" + t.shape(of.Elem()) + "]"
	case reflect.Map:
		return "{" + t.shape(of.Elem()) + "}"
	case reflect.Struct:
		return t.name(of, "")
	default:
		return "any"
	}
}
