package rabbitmq

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTheSimulationOfAnInstallationNamesWhatIsMissing(t *testing.T) {
	const output = `NOTE: This is only a simulation!
Reading package lists...
Building dependency tree...
The following NEW packages will be installed:
  erlang-base libsctp1 rabbitmq-server
Inst erlang-base [1:24.0] (1:25.2.3+dfsg-1+deb12u4 Debian:12.15/oldstable [amd64]) []
Inst libsctp1 (1.0.19+dfsg-2 Debian:12.15/oldstable [amd64])
Inst libc6:i386 (2.36-9 Debian:12.15/oldstable [i386])
Inst rabbitmq-server (3.10.8-1.1+deb12u1 Debian:12.15/oldstable, Debian-Security:12/oldstable-security [all])
Conf libsctp1 (1.0.19+dfsg-2 Debian:12.15/oldstable [amd64])
Conf rabbitmq-server (3.10.8-1.1+deb12u1 Debian:12.15/oldstable [all])
Inst broken
`
	want := []aptPackage{
		{"erlang-base", "1:25.2.3+dfsg-1+deb12u4"}, {"libsctp1", "1.0.19+dfsg-2"}, {"libc6:i386", "2.36-9"}, {"rabbitmq-server", "3.10.8-1.1+deb12u1"},
	}
	if d := cmp.Diff(want, parseSimulation(output), cmp.AllowUnexported(aptPackage{})); d != "" {
		t.Error(d)
	}
}

func TestADownloadedPackageIsFoundByNameAndVersion(t *testing.T) {
	dir := []string{
		"erlang-base_1%3a25.2.3+dfsg-1_amd64.deb", "erlang-base_1%3a25.2.3+dfsg-1_amd64.deb.partial", "socat_1.7.4.4-2_amd64.deb", "libc6_2.36-9_i386.deb",
	}
	for _, c := range []struct {
		claim string
		p     aptPackage
		want  string
	}{
		{"with an epoch", aptPackage{"erlang-base", "1:25.2.3+dfsg-1"}, "erlang-base_1%3a25.2.3+dfsg-1_amd64.deb"},
		{"without", aptPackage{"socat", "1.7.4.4-2"}, "socat_1.7.4.4-2_amd64.deb"},
		{"of another architecture", aptPackage{"libc6:i386", "2.36-9"}, "libc6_2.36-9_i386.deb"},
		{"another version is none", aptPackage{"socat", "1.7.4.4"}, ""},
		{"a longer name is none", aptPackage{"erlang", "1:25.2.3+dfsg-1"}, ""},
	} {
		got, ok := c.p.archive(dir)
		if got != c.want || ok != (c.want != "") {
			t.Errorf("%s: got %q, %v, want %q", c.claim, got, ok, c.want)
		}
	}
}

func FuzzParseSimulation(f *testing.F) {
	f.Add("Inst a [1] (2 x [all])\nInst b (1:2.3-4 y [amd64])\n")
	f.Fuzz(func(t *testing.T, output string) {
		for _, p := range parseSimulation(output) {
			if p.name == "" || p.version == "" || p.name[0] == '-' {
				t.Errorf("%q: package %+v would be an option, or nothing", output, p)
			}
		}
	})
}
