# Environment markers (PEP 508 as Poetry writes them) evaluated for CPython 3.11.2 on x86_64 Linux. What cannot be
# evaluated is an error, never a guess.   marker { extras } "sys_platform == 'linux' and …" -> bool
{ extras ? [ ] }:
text:
let
  inherit (builtins) elemAt length filter isList concatLists match split substring stringLength compareVersions elem;

  environment = {
    os_name = "posix";
    sys_platform = "linux";
    platform_system = "Linux";
    platform_machine = "x86_64";
    platform_python_implementation = "CPython";
    implementation_name = "cpython";
    implementation_version = "3.11.2";
    python_version = "3.11";
    python_full_version = "3.11.2";
  };
  versions = [ "python_version" "python_full_version" "implementation_version" ];
  fail = why: throw "poetry.lock: the marker `${text}` ${why}";

  # "…" or '…', a parenthesis, an operator, or a word
  tokens = concatLists (filter isList
    (split "(\"[^\"]*\"|'[^']*'|[()]|[<>=!~]+|[A-Za-z_.][A-Za-z0-9_.]*)" text));
  token = i: if i < length tokens then elemAt tokens i else null;

  operand = i:
    let t = token i; in
    if t == null then fail "ends too early"
    else if match "[\"'].*" t != null then { literal = true; value = substring 1 (stringLength t - 2) t; name = null; }
    else if t == "extra" then { literal = false; name = t; value = null; }
    else { literal = false; name = t; value = environment.${t} or (fail "names `${t}`, which has no value here"); };

  # Release numbers compare with trailing zeros ignored: 3.11 == 3.11.0.
  release = v:
    let m = match "([0-9]+(\\.[0-9]+)*)" v; in
    if m == null then fail "compares with `${v}`, which is no plain release" else trim v;
  trim = v: let m = match "(.*)\\.0" v; in if m == null then v else trim (elemAt m 0);
  starts = prefix: v: substring 0 (stringLength prefix) v == prefix;
  isPrefix = pattern: v:
    let p = elemAt (match "([0-9.]+)\\.\\*" pattern) 0; in starts "${p}." "${v}." || starts "${p}." "${v}.0.";
  upToLast = v: elemAt (match "([0-9.]+)\\.[0-9]+" v) 0;

  compareRelease = op: a: b:
    if match ".*\\.\\*" b != null then
      (if op == "==" then isPrefix b a else if op == "!=" then !(isPrefix b a) else fail "uses `${op}` with a pattern")
    else if op == "~=" then compareVersions (release a) (release b) >= 0 && isPrefix "${upToLast b}.*" a
    else
      let c = compareVersions (release a) (release b); in
      {
        "==" = c == 0; "===" = c == 0; "!=" = c != 0;
        "<" = c < 0; "<=" = c <= 0; ">" = c > 0; ">=" = c >= 0;
      }.${op} or (fail "uses the operator `${op}`");
  flip = op: { "<" = ">"; "<=" = ">="; ">" = "<"; ">=" = "<="; }.${op} or op;

  isIn = needle: haystack: filter isList (split (escape needle) haystack) != [ ];
  escape = builtins.replaceStrings [ "." "+" "*" "?" "(" ")" "[" "^" "$" "|" "\\" "{" ]
    [ "\\." "\\+" "\\*" "\\?" "\\(" "\\)" "\\[" "\\^" "\\$" "\\|" "\\\\" "\\{" ];
  contains = needle: haystack: needle == "" || isIn needle haystack;

  canonical = s: builtins.replaceStrings [ "_" "." ] [ "-" "-" ] s;
  hasExtra = e: extras == [ "*" ] || elem (canonical e) (map canonical extras);

  compare = op: a: b:
    if a.name == "extra" || b.name == "extra" then
      let e = hasExtra (if a.literal then a.value else b.value); in
      if op == "==" then e else if op == "!=" then !e else fail "uses `${op}` with extra"
    else if a.literal == b.literal then fail "compares two of a kind"
    else if op == "in" then contains a.value b.value
    else if op == "not in" then !(contains a.value b.value)
    else if elem a.name versions then compareRelease op a.value b.value
    else if elem b.name versions then compareRelease (flip op) b.value a.value
    else if op == "==" then a.value == b.value
    else if op == "!=" then a.value != b.value
    else fail "uses `${op}` with a string";

  # Each parser takes a token's number and gives the value and the number of the next token.
  atom = i:
    if token i == "(" then
      let e = disjunction (i + 1); in
      if token e.next == ")" then e // { next = e.next + 1; } else fail "lacks a closing parenthesis"
    else
      let
        negated = token (i + 1) == "not";
        op = if negated then "${token (i + 1)} ${token (i + 2)}" else token (i + 1);
        right = if negated then i + 3 else i + 2;
      in
      { value = compare op (operand i) (operand right); next = right + 1; };
  chain = word: parse: combine: i:
    let
      first = parse i;
      go = e: if token e.next == word then let r = parse (e.next + 1); in go { value = combine e.value r.value; inherit (r) next; } else e;
    in
    go first;
  conjunction = chain "and" atom (a: b: a && b);
  disjunction = chain "or" conjunction (a: b: a || b);
  result = disjunction 0;
in
if result.next == length tokens then result.value
else fail (if result.next > length tokens then "ends too early" else "goes on after its end")
