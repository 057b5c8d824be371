# How well a wheel suits CPython 3.11 on x86_64 Linux with glibc 2.36: 0 does not run here, more is better. The order
# is that of packaging.tags.sys_tags: interpreter and ABI first, then platform.   wheelTag "numpy-2.4.6-cp311-…whl" -> int
let
  inherit (builtins) elemAt length match isString filter concatMap foldl' fromJSON substring stringLength split;
  pythonMinor = 11;
  glibcMinor = 36;
  pieces = separator: s: filter isString (split separator s);
  max = foldl' (a: b: if b > a then b else a) 0;

  # manylinux_2_N, and the older names for 2.17, 2.12 and 2.5
  platform = tag:
    let
      m = match "manylinux_2_([0-9]+)_x86_64" tag;
      minor = if m != null then fromJSON (elemAt m 0) else {
        manylinux2014_x86_64 = 17; manylinux2010_x86_64 = 12; manylinux1_x86_64 = 5;
      }.${tag} or null;
    in
    if tag == "any" then 1 else if tag == "linux_x86_64" then 2
    else if minor != null && minor <= glibcMinor then 3 + minor else 0;

  python = tag: abi:
    let
      m = match "(cp|py)3([0-9]*)" tag;
      kind = elemAt m 0;
      minor = if elemAt m 1 == "" then null else fromJSON (elemAt m 1);
      ours = minor == pythonMinor;
    in
    if m == null || (minor != null && minor > pythonMinor) then 0
    else if kind == "cp" && minor == null then 0
    else if kind == "cp" && abi == "cp311" then (if ours then 400 else 0)
    else if kind == "cp" && abi == "abi3" then (if ours then 350 else if minor >= 2 then 300 + minor else 0)
    else if abi != "none" then 0
    else if kind == "cp" then (if ours then 340 else 0)
    else if ours then 200
    else if minor == null then 190 # py3
    else 100 + minor;
in
file:
let
  stem = pieces "-" (substring 0 (stringLength file - 4) file);
  part = fromEnd: pieces "\\." (elemAt stem (length stem - fromEnd));
  interpreter = max (concatMap (tag: map (python tag) (part 2)) (part 3));
  system = max (map platform (part 1));
in
if match ".*\\.whl" file == null || interpreter == 0 || system == 0 then 0
else if system == 1 then interpreter # after all that are made for a platform
else interpreter * 100 + system
