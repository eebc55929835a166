package main

import (
	"errors"
	"maps"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"

	"waybill/targets"
	_ "waybill/targets/all"
)

const composeFile = "docker-compose.yml"

// compose is as much of the file as is checked here.
type compose struct {
	Services map[string]service `yaml:"services"`
	Configs  map[string]struct {
		Content string `yaml:"content"`
	} `yaml:"configs"`
}

type service struct {
	Image       string         `yaml:"image"`
	Profiles    []string       `yaml:"profiles"`
	Ports       []string       `yaml:"ports"`
	Environment map[string]any `yaml:"environment"`
	Command     []string       `yaml:"command"`
	Hostname    string         `yaml:"hostname"`
	Healthcheck struct {
		Test    []string `yaml:"test"`
		Retries int      `yaml:"retries"`
	} `yaml:"healthcheck"`
}

func readCompose(t *testing.T) compose {
	t.Helper()
	b, err := os.ReadFile(composeFile)
	if err != nil {
		t.Fatal(err)
	}
	var c compose
	if err := yaml.Unmarshal(b, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// officialImages are the names on Docker Hub that the products' own projects, or Docker for them, publish.
var officialImages = map[string]string{"kafka": "apache/kafka", "rabbitmq": "rabbitmq", "nats": "nats"}

// versionOfTag is the version in an image's tag: "2.15.2-alpine" is 2.15.2. A tag without all three numbers is not pinned.
var versionOfTag = regexp.MustCompile(`^(\d+\.\d+\.\d+)(-alpine)?$`)

// of are the services of one target, by name in order.
func (c compose) of(target string) (names []string) {
	for _, name := range slices.Sorted(maps.Keys(c.Services)) {
		if slices.Equal(c.Services[name].Profiles, []string{target}) {
			names = append(names, name)
		}
	}
	return names
}

func TestComposePublishesEachTargetWhereExternalLooksForIt(t *testing.T) {
	c := readCompose(t)
	seen := 0
	for _, name := range targets.Names() {
		target, _ := targets.Find(name)
		connector, ok := target.(targets.Connector)
		if !ok {
			continue
		}
		t.Run(name, func(t *testing.T) {
			services := c.of(name)
			seen += len(services)
			var published []string
			for _, s := range services {
				x := c.Services[s]
				image, tag, _ := strings.Cut(x.Image, ":")
				if version := versionOfTag.FindStringSubmatch(tag); image != officialImages[name] || version == nil || version[1] != target.Describe("").Version {
					t.Errorf("%s has the image %s: want %s:%s", s, x.Image, officialImages[name], target.Describe("").Version)
				}
				if len(x.Healthcheck.Test) < 2 || x.Healthcheck.Retries < 1 {
					t.Errorf("%s has no health check: `up --wait` would not wait for it", s)
				}
				for _, p := range x.Ports {
					published = append(published, p[:strings.LastIndex(p, ":")])
				}
			}
			if diff := cmp.Diff(connector.Addresses(), published); diff != "" || len(services) != 3 {
				t.Errorf("services %v; addresses that external looks at (-) and that are published (+):\n%s", services, diff)
			}
		})
	}
	if seen != len(c.Services) || seen == 0 {
		t.Errorf("%d services belong to targets, of %d", seen, len(c.Services))
	}
}

// Clients are told the brokers' addresses by the brokers: these must be the published ones, or nobody outside reaches them.
func TestKafkaInComposeAdvertisesWhatIsPublished(t *testing.T) {
	c := readCompose(t)
	var voters, ids []string
	for _, name := range c.of("kafka") {
		x := c.Services[name]
		at := x.Ports[0][:strings.LastIndex(x.Ports[0], ":")]
		inside := x.Ports[0][strings.LastIndex(x.Ports[0], ":")+1:]
		_, outside, err := net.SplitHostPort(at)
		if err != nil || inside != outside {
			t.Errorf("%s publishes %s", name, x.Ports[0])
		}
		env := func(key string) string { s, _ := x.Environment[key].(string); return s }
		if want := "INTERNAL://" + name + ":9092,EXTERNAL://" + at; env("KAFKA_ADVERTISED_LISTENERS") != want {
			t.Errorf("%s advertises %s, want %s", name, env("KAFKA_ADVERTISED_LISTENERS"), want)
		}
		if !strings.HasSuffix(env("KAFKA_LISTENERS"), "EXTERNAL://:"+inside) {
			t.Errorf("%s listens at %s, want EXTERNAL at %s", name, env("KAFKA_LISTENERS"), inside)
		}
		id := strings.TrimPrefix(name, "kafka")
		ids = append(ids, id)
		voters = append(voters, id+"@"+name+":9093")
		if got := x.Environment["KAFKA_NODE_ID"]; got != uint64(id[0]-'0') {
			t.Errorf("%s has the number %v", name, got)
		}
		if len(env("CLUSTER_ID")) != 22 {
			t.Errorf("%s has the cluster id %q: want 16 bytes in base64", name, env("CLUSTER_ID"))
		}
	}
	for _, name := range c.of("kafka") {
		if got := c.Services[name].Environment["KAFKA_CONTROLLER_QUORUM_VOTERS"]; got != strings.Join(voters, ",") || len(ids) != 3 {
			t.Errorf("%s knows the voters %v, want %v", name, got, voters)
		}
	}
}

func TestRabbitMQInComposeFindsItsPeers(t *testing.T) {
	c := readCompose(t)
	for i, name := range c.of("rabbitmq") {
		if c.Services[name].Hostname != name {
			t.Errorf("%s has the host name %q: its peers look for %s", name, c.Services[name].Hostname, name)
		}
		want := "nodes." + string(rune('1'+i)) + " = rabbit@" + name + "\n"
		if !strings.Contains(c.Configs["rabbitmq"].Content, want) {
			t.Errorf("the configuration lacks %q", want)
		}
	}
}

// The server itself reads the configuration and the arguments.
func TestNATSInComposeIsConfiguredAsTheServerTakesIt(t *testing.T) {
	c := readCompose(t)
	opts := &server.Options{}
	if err := opts.ProcessConfigString(c.Configs["nats"].Content); err != nil {
		t.Fatal(err)
	}
	if !opts.JetStream || opts.Port != 4222 || opts.HTTPPort != 8222 || opts.Cluster.Name == "" || opts.Cluster.Port != 6222 {
		t.Errorf("the server understands %+v", opts)
	}
	var routes []string
	for _, r := range opts.Routes {
		routes = append(routes, r.Host)
	}
	for _, name := range c.of("nats") {
		if !slices.Contains(routes, name+":6222") {
			t.Errorf("no route to %s among %v", name, routes)
		}
		if args := c.Services[name].Command; !slices.Equal(args, []string{"--config", "/etc/nats/waybill.conf", "--name", name}) {
			t.Errorf("%s is started with %q", name, args)
		}
	}
}

func TestComposeTakesTheFile(t *testing.T) {
	// The client alone is asked: no engine is needed, and none is started.
	if out, err := exec.Command("docker", "compose", "version").CombinedOutput(); err != nil {
		why := err.Error()
		if !errors.Is(err, exec.ErrNotFound) {
			why += ": " + strings.TrimSpace(string(out))
		}
		t.Skipf("not tested: that docker compose takes the file, since this machine lacks its client: %s", why)
	}
	if out, err := exec.Command("docker", "compose", "--profile", "*", "-f", composeFile, "config", "-q").CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}
