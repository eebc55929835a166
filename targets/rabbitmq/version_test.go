package rabbitmq

import "testing"

func TestVersionsDecideWhatABrokerCan(t *testing.T) {
	for _, c := range []struct {
		version         string
		supported       bool
		mirrors, limits bool
	}{
		{"3.8.0", true, true, false},
		{"3.10.8", true, true, false},
		{"3.13.7", true, true, false},
		{"4.0.1", true, false, true},
		{"4.2.0-rc.1", true, false, true},
		{"4.1", true, false, true},
		{"3.7.28", false, true, false},
		{"5.0.0", false, false, true},
	} {
		r, err := parseVersion(c.version)
		must(t, err)
		if err := supported(c.version); (err == nil) != c.supported {
			t.Errorf("%s: supported: %v", c.version, err)
		}
		if r.hasMirrors() != c.mirrors || r.limitsDeliveries() != c.limits {
			t.Errorf("%s: mirrors %v, limits deliveries %v", c.version, r.hasMirrors(), r.limitsDeliveries())
		}
		limit, set := quorum.arguments(r)["x-delivery-limit"]
		if set != c.limits || set && limit != int32(-1) {
			t.Errorf("%s: a quorum queue's delivery limit is declared as %v", c.version, limit)
		}
	}
	for _, v := range []string{"", "3", "three.eight", "3.x.1"} {
		if supported(v) == nil {
			t.Errorf("version %q is taken", v)
		}
	}
}

func TestTheVersionIsThatOfTheServersOwnPlugin(t *testing.T) {
	for name, want := range map[string]string{
		"rabbit-3.10.8": "3.10.8", "rabbit-3.8.0.ez": "3.8.0", "rabbit-4.2.0-rc.1": "4.2.0-rc.1", "rabbit_common-3.10.8": "", "rabbit-": "", "rabbitmq_mqtt-4.0.1": "",
	} {
		got, ok := pluginVersion(name)
		if got != want || ok != (want != "") {
			t.Errorf("%s: %q, %v, want %q", name, got, ok, want)
		}
	}
}
