PATH=
for input in ${nativeBuildInputs:-} ${buildInputs:-}; do
  PATH=${PATH:+$PATH:}$input/bin
done
PATH=${PATH:+$PATH:}@path@
export PATH SHELL=@shell@ CONFIG_SHELL=@shell@
if [[ -z ${IN_NIX_SHELL:-} ]]; then
  export HOME=/homeless-shelter
fi
