package results

import "regexp"

// Passwords in arguments: of a URL, which ends at its last @, and of a setting like password=x, also in a URL's query.
var (
	ofURL     = regexp.MustCompile(`(://[^/@:\s]*:)\S*@`)
	ofSetting = regexp.MustCompile(`(?i)(passw(?:or)?d=)[^&\s]*`)
)

const hidden = "REDACTED"

// redacted is a command line without the passwords in it.
func redacted(command []string) []string {
	out := make([]string, len(command))
	for i, arg := range command {
		out[i] = ofSetting.ReplaceAllString(ofURL.ReplaceAllString(arg, "${1}"+hidden+"@"), "${1}"+hidden)
	}
	return out
}
