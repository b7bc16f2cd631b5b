use super::{Match, Pattern};

fn pattern(source: &str) -> Pattern {
    Pattern::parse(source).unwrap_or_else(|error| panic!("{source}: {error}"))
}

fn matches(source: &str, text: &str) -> bool {
    pattern(source).find(text) == Match::Found
}

#[test]
fn constructs_mean_what_they_mean_in_pcre() {
    for (source, text, expected) in [
        ("/b/", "abc", true),
        ("/^b/", "abc", false),
        ("/^a$/", "a\n", true),
        ("/^a$/", "a\n\n", false),
        ("/^a$/D", "a\n", false),
        ("/^b$/m", "a\nb\nc", true),
        ("/^$/m", "a\n", false),
        ("/^a\\z/", "a\n", false),
        ("/^a\\Z/", "a\n", true),
        ("/^a.b$/", "a\nb", false),
        ("/^a.b$/s", "a\nb", true),
        ("/^.{3}$/", "日", true),
        ("/^.$/u", "日", true),
        ("/^日+$/", "日日", false),
        ("/^日+$/u", "日日", true),
        ("/^[é]{2}$/", "é", true),
        ("/^é$/i", "É", false),
        ("/^é$/iu", "É", true),
        ("/^\\w+$/", "é", false),
        ("/^\\w+$/u", "é٣", true),
        ("/^\\d$/", "٣", false),
        ("/^\\s$/u", "\u{a0}", true),
        ("/\\bcat\\b/", "a cat.", true),
        ("/\\bcat\\b/", "concat", false),
        ("/a\\Bb/", "ab", true),
        ("/\\bé/u", "xé", false),
        ("/b/A", "ab", false),
        ("/ a b # c/x", "ab", true),
        ("/a\\ b/x", "a b", true),
        ("/^(?i)a(?-i)b$/", "Ab", true),
        ("/^(?i:a)b$/", "aB", false),
        ("/^(a(?i)b)c$/", "aBc", true),
        ("/^(a(?i)b)c$/", "aBC", false),
        ("/^(a|b)\\1$/", "aa", true),
        ("/^(a|b)\\1$/", "ab", false),
        ("/^(?<x>a|b)\\k{x}\\g{-1}(?P=x)$/", "bbbb", true),
        ("/^(a|b)(?1)$/", "ab", true),
        ("/^a++a$/", "aa", false),
        ("/^(?>a|ab)c$/", "abc", false),
        ("/(?<=a)b(?!c)/", "abd", true),
        ("/(?<=a)b(?!c)/", "abc", false),
        ("/^[[:alpha:][:digit:]]+$/", "a1", true),
        ("/^[[:^alpha:]]$/", "1", true),
        ("/^[[:upper:]]$/u", "É", true),
        ("/^[]a]+$/", "]a", true),
        ("/^[^]a]$/", "b", true),
        ("/^[a&&b]+$/", "&", true),
        ("/^[a-c-]+$/", "b-", true),
        ("/^[\\w-.]+$/", "a-.", true),
        ("/^[a\\-z]+$/", "-", true),
        ("/^[[a]+$/", "[a", true),
        ("/^[\\d\\D]$/", "x", true),
        ("/^[^\\W_]$/", "_", false),
        ("/^a{,2}$/", "a{,2}", true),
        ("/^a{2}$/", "aa", true),
        ("/^a{x$/", "a{x", true),
        ("/^\\Qa.b\\E$/", "a.b", true),
        ("/^\\Qa.b\\E$/", "axb", false),
        ("/^\\x41\\x{42}\\103\\o{104}\\cA\\e$/", "ABCD\u{1}\u{1b}", true),
        ("/^\\x{e9}$/u", "é", true),
        ("/^\\xc3\\xa9$/", "é", true),
        ("/^a\\Rb$/", "a\r\nb", true),
        ("/^\\h+$/", "\t ", true),
        ("/^\\N$/", "a", true),
        ("/a\\Kb/", "ab", true),
        ("/^\\p{Lu}\\pL\\P{L}$/u", "Éa1", true),
        ("/^\\p{^Lu}$/u", "é", true),
        ("/^\\p{Greek}$/u", "α", true),
        ("/^\\p{Lu}$/iu", "é", false),
        ("/^\\pL+$/", "abc", true),
        ("/^(?#note)a$/", "a", true),
        ("/^(a)?(?(1)b|c)$/", "ab", true),
        ("/^(a)?(?(1)b|c)$/", "c", true),
        ("/^.*?b$/U", "aab", true),
        ("/^(?:a|b|)$/", "", true),
        ("/a\\/b/", "a/b", true),
        ("#a/b#", "a/b", true),
        ("{^a{2}$}", "aa", true),
        ("(^(a)$)", "a", true),
        ("[^[a-c]$]", "b", true),
        (" /a/", "a", true),
        ("//", "anything", true),
    ] {
        assert_eq!(matches(source, text), expected, "{source} on {text:?}");
    }
}

#[test]
fn what_cannot_be_read_is_an_error_that_says_why() {
    for (source, reason) in [
        ("", "an empty pattern"),
        ("abc", "the delimiter must not be a letter, a digit or a backslash, but is 'a'"),
        ("/abc", "no closing delimiter '/'"),
        ("{a", "no closing delimiter '}'"),
        ("/a/y", "unknown flag 'y'"),
        ("/(a/", "a group is not closed"),
        ("/a)/", "a group is closed that was not opened"),
        ("/[a/", "a class is not closed"),
        ("/[b-a]/", "the range 'b' to 'a' is out of order"),
        ("/[[:foo:]]/", "there is no class [:foo:]"),
        ("/\\p{Foo}/u", "there is no property \"Foo\""),
        ("/\\j/", "\\j is not supported"),
        ("/\\2(a)/", "there is no group 2"),
        ("/(?|a|b)/", "(?| with its own numbers in each branch is not supported"),
        ("/(*FAIL)/", "verbs such as (*FAIL) are not supported"),
        ("/*a/", "cannot be compiled"),
        ("/\\p{L}{1000}{1000}/u", "cannot be compiled"),
    ] {
        let error = Pattern::parse(source).expect_err(source);
        assert!(error.contains(reason), "{source}: {error}");
    }
}

#[test]
fn a_pattern_that_runs_away_is_stopped_by_counting_its_steps() {
    let text = format!("{}b", "a".repeat(60));
    // More than 2^40 ways to divide the text, none of which will do: only a count can end this.
    for source in ["/^(a|aa)+(?<!a)b$/", "/^(?:a|(aa))+(?<!a)b$/u", "/^(\\w|a|aa)+(?<!a)b$/"] {
        assert_eq!(pattern(source).find(&text), Match::OutOfSteps, "{source}");
    }
}

#[test]
fn long_input_is_no_reason_to_give_up() {
    let text = "a-".repeat(2048) + "a";
    assert!(matches("/^[a-z]([a-z-]*[a-z])?$/", &text));
    assert_eq!(pattern("/^[a-z]([a-z-]*[a-z])?$/").find(&(text + "!")), Match::NotFound);
}

#[test]
fn the_common_part_is_available_in_ecma_notation() {
    for (source, ecma) in [
        ("/^[a-zA-Z0-9]([a-zA-Z0-9\\-]*[a-zA-Z0-9])?$/", Some("^[a-zA-Z0-9]([a-zA-Z0-9\\-]*[a-zA-Z0-9])?$")),
        ("/^\\d+(\\.\\d{1,2})?$/", Some("^[0-9]+(\\.[0-9]{1,2})?$")),
        ("#^/srv/\\w+$#", Some("^\\/srv\\/[A-Za-z0-9_]+$")),
        ("/^(?!admin)(?<name>a|b)$/D", Some("^(?!admin)(?<name>a|b)$")),
        ("/^a.$/u", Some("^a[^\\n]$")),
        ("/^é$/u", Some("^é$")),
        ("/^a.$/", None),
        ("/^[^a]$/", None),
        ("/^a$/i", None),
        ("/^a++$/", None),
        ("/^(a)\\1$/", None),
        ("/^[[:alpha:]]$/", None),
        ("/^é$/", None),
    ] {
        assert_eq!(pattern(source).ecma(), ecma, "{source}");
    }
}
