package look

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"regexp"
	"strings"
	"testing"
)

func TestThePolicyPermitsTheOneScriptAndNothingElse(t *testing.T) {
	var b bytes.Buffer
	page := New("page")
	if _, err := page.Parse(`<html><head>{{template "head" .}}</head><body>{{template "foot" .}}</body></html>`); err != nil {
		t.Fatal(err)
	}
	if err := page.Execute(&b, NewHead("</title><script>alert(1)</script>")); err != nil {
		t.Fatal(err)
	}
	scripts := regexp.MustCompile(`(?s)<script>(.*?)</script>`).FindAllStringSubmatch(b.String(), -1)
	if len(scripts) != 1 {
		t.Fatalf("%d scripts, want one", len(scripts))
	}
	sum := sha256.Sum256([]byte(scripts[0][1]))
	hash := "script-src &#39;sha256-" + strings.ReplaceAll(base64.StdEncoding.EncodeToString(sum[:]), "+", "&#43;") + "&#39;"
	if !strings.Contains(b.String(), hash) {
		t.Errorf("the policy does not name the hash of the script as it stands on the page, %s:\n%.900s", hash, b.String())
	}
	for _, bad := range []string{"http:", "https:", "*", "unsafe-eval", "'self'"} {
		if strings.Contains(Policy(), bad) {
			t.Errorf("the policy permits %s", bad)
		}
	}
}

func TestAPageWithTheScriptStaysWellFormed(t *testing.T) {
	if strings.ContainsAny(string(Script()), "<&") {
		t.Error("the script holds < or &")
	}
	if strings.Contains(string(Style()), "</") || strings.Contains(string(Style()), "url(") || strings.Contains(string(Style()), "@import") {
		t.Error("the style sheet ends its element or loads something")
	}
}
