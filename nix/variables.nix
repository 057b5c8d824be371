# The environment variables of shells, images and checks. What holds factors still comes from variables.json, which is
# written from the factors' own list (variables.py) and compared with it by a check; the rest keeps the host out.
{ pkgs, reprotest }:
builtins.fromJSON (builtins.readFile ./variables.json) // {
  LC_ALL = "C.UTF-8";
  TZ = "UTC";
  TZDIR = "${pkgs.tzdata}/share/zoneinfo";
  SSL_CERT_FILE = "${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt";
  PYTHONPATH = builtins.concatStringsSep ":" reprotest.sites;
  PYTHONNOUSERSITE = "1";
  TORCHINDUCTOR_CPP_CACHE_PRECOMPILE_HEADERS = "0"; # needs openssl on PATH
} // (if pkgs ? debianBase then { LOCPATH = pkgs.debianBase.locales; } else { })
