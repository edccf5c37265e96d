package mapping

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

func truncate(args ...any) (any, error) {
	s, length := args[0].(string), args[1].(int)
	if length < 0 {
		return nil, reason("Truncate: the length is negative")
	}
	if len(s) <= length {
		return s, nil
	}
	for i := range s {
		if length == 0 {
			return s[:i], nil
		}
		length--
	}
	return s, nil
}

func removePrefix(args ...any) (any, error) {
	return strings.TrimPrefix(args[1].(string), args[0].(string)), nil
}

func substringAfterLastMatch(args ...any) (any, error) {
	text, match := args[0].(string), args[1].(string)
	if i := strings.LastIndex(text, match); i >= 0 {
		return text[i+len(match):], nil
	}
	return text, nil
}

func regExMatch(args ...any) (any, error) {
	text := args[0].(string)
	if re, ok := args[1].(*regexp.Regexp); ok {
		return re.MatchString(text), nil
	}
	re, err := regexp.Compile(args[1].(string))
	if err != nil {
		return nil, reason("RegExMatch: the pattern is not a regular expression")
	}
	return re.MatchString(text), nil
}

// wildcardMatch compares as SQL's LIKE does where case does not matter: % stands
// for any text, _ for one character.
func wildcardMatch(args ...any) (any, error) {
	text, pattern := []rune(strings.ToLower(args[0].(string))), []rune(strings.ToLower(args[1].(string)))
	t, p, star, mark := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '%':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == '_' || pattern[p] == text[t]):
			t++
			p++
		case star >= 0:
			mark++
			t, p = mark, star+1
		default:
			return false, nil
		}
	}
	for p < len(pattern) && pattern[p] == '%' {
		p++
	}
	return p == len(pattern), nil
}

func textOf(args ...any) (any, error) {
	text, err := scalarText(args[0])
	if err != nil {
		return nil, reason("string: the value is a list or a record, not one value")
	}
	return text, nil
}

func replaceText(args ...any) (any, error) {
	text, from, to := args[0].(string), args[1].(string), args[2].(string)
	count := utf8.RuneCountInString(text) + 1
	if from != "" {
		count = strings.Count(text, from)
	}
	if len(text)+count*(len(to)-len(from)) > maxText {
		return nil, errTextTooLong
	}
	return strings.ReplaceAll(text, from, to), nil
}

func joinTexts(args ...any) (any, error) {
	glue := ""
	if len(args) == 2 {
		glue = args[1].(string)
	}
	var texts []string
	switch list := args[0].(type) {
	case []string:
		texts = list
	case []any:
		for _, item := range list {
			text, ok := item.(string)
			if !ok {
				return nil, reason("join: the list holds something that is not a text")
			}
			texts = append(texts, text)
		}
	}
	size := len(glue) * len(texts)
	for _, text := range texts {
		if size += len(text); size > maxText {
			return nil, errTextTooLong
		}
	}
	return strings.Join(texts, glue), nil
}

func bounded(args ...any) (any, error) {
	if s, ok := args[0].(string); ok && len(s) > maxText {
		return nil, errTextTooLong
	}
	return args[0], nil
}
