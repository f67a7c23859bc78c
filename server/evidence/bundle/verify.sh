#!/bin/sh
# Checks a bundle of evidence without Fairway: POSIX sh, its usual tools, and openssl 3.
#
#   sh verify.sh [--key-sha256 HEX]... [DIRECTORY]
#
# DIRECTORY is the unpacked bundle (default: where this file is). With --key-sha256 the bundle must be signed by a key
# with that fingerprint; without, compare those it prints with what `fairway evidence keys` or your own notes say.
# Exits with 0 when everything holds, with 1 and the name of the first bad member when not, with 2 on wrong use.
#
# A bundle that was tampered with may bring a tampered verify.sh: take this file from where you trust it.
set -u
LC_ALL=C
export LC_ALL
unset CDPATH
umask 077
newline='
'

usage() { printf 'usage: sh verify.sh [--key-sha256 HEX]... [DIRECTORY]\n' >&2; exit 2; }
# What the bundle says moves no cursor of the terminal it is printed on.
printable() { tr -c '\012\040-\176' '?'; }
bad() { printf 'verify.sh: BAD %s: %s\n' "$1" "$2" | printable >&2; exit 1; }
good() { printf '  ok  %s\n' "$1" | printable; }

pins=
directory=
while [ $# -gt 0 ]; do
  case $1 in
    --key-sha256)
      [ $# -ge 2 ] || usage
      case $2 in *[!0-9a-f]*) usage ;; esac
      [ ${#2} -eq 64 ] || usage
      pins="$pins $2"
      shift 2 ;;
    -*) usage ;;
    *)
      [ -z "$directory" ] || usage
      directory=$1
      shift ;;
  esac
done
[ -n "$directory" ] || directory=$(dirname -- "$0")
cd -- "$directory" 2>/dev/null || { printf 'verify.sh: there is no directory %s\n' "$directory" >&2; exit 2; }
case $(openssl version 2>/dev/null) in
  'OpenSSL '[3-9]*) ;;
  *) printf 'verify.sh: needs OpenSSL 3 or newer as `openssl`\n' >&2; exit 2 ;;
esac
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM

sha256() { openssl dgst -sha256 -r "$1" | cut -c 1-64; }

# --- Only plain files with plain names, none of which a program could take for an option ------------------------------
odd=$(find . ! -type f ! -type d | sed -n '1s,^\./,,p')
[ -z "$odd" ] || bad "$odd" 'neither a file nor a directory (a link?)'
odd=$(find . \( -name '*[!A-Za-z0-9._-]*' -o -name '-*' \) ! -name . | sed -n '1s,^\./,,p')
[ -z "$odd" ] || bad "$odd" 'a name that no member of a bundle has'
for needed in MANIFEST MANIFEST.sig COMPLETENESS.json VERIFY.md verify.sh keys/KEYS run/manifest.json audit/checkpoint \
  statements/run.sigstore.json; do
  [ -f "$needed" ] || bad "$needed" 'missing'
done

# --- Keys are named by their fingerprints ----------------------------------------------------------------------------
for key in keys/*.pem; do
  name=${key##*/}
  case $name in statements-*.pem | checkpoints-*.pem) ;; *) bad "$key" 'not the name of a key' ;; esac
  openssl pkey -pubin -in "$key" -outform DER -out "$scratch/der" 2>/dev/null || bad "$key" 'not a public key'
  fingerprint=${name#*-}
  [ "$(sha256 "$scratch/der").pem" = "$fingerprint" ] || bad "$key" 'not the key that its name says'
  awk -v purpose="${name%%-*}" -v key="sha256:${fingerprint%.pem}" '
    $1 == purpose && $3 == key { found = 1 } END { exit !found }' keys/KEYS ||
    bad keys/KEYS "does not say when $key was in use"
done

# in_use KEY TIME: whether KEYS says that the key was in use then; clocks may differ by five minutes.
in_use() {
  awk -v key="sha256:$1" -v at="$2" '
    function seconds(time,  year, month) {
      year = substr(time, 1, 4) + 0; month = substr(time, 6, 2) + 0
      if (month < 3) { year--; month += 12 }
      return (365 * year + int(year / 4) - int(year / 100) + int(year / 400) + int((153 * (month - 3) + 2) / 5) + \
        substr(time, 9, 2)) * 86400 + substr(time, 12, 2) * 3600 + substr(time, 15, 2) * 60 + substr(time, 18, 2)
    }
    $3 == key && seconds(at) >= seconds($4) - 300 && ($5 == "-" || seconds(at) <= seconds($5) + 300) { found = 1 }
    END { exit !found }' keys/KEYS
}

# --- MANIFEST is signed -----------------------------------------------------------------------------------------------
signer=
for key in keys/statements-*.pem; do
  [ -f "$key" ] || bad keys 'no key for statements'
  if openssl dgst -sha256 -verify "$key" -signature MANIFEST.sig MANIFEST >/dev/null 2>&1; then
    signer=${key#keys/statements-}
    signer=${signer%.pem}
  fi
done
[ -n "$signer" ] || bad MANIFEST 'its signature MANIFEST.sig is of none of the keys: one of the two was changed'
if [ -n "$pins" ]; then
  case " $pins " in
    *" $signer "*) ;;
    *) bad MANIFEST "signed by the key sha256:$signer, which is none of those given with --key-sha256" ;;
  esac
fi

# --- Exactly the members that MANIFEST names, byte for byte -----------------------------------------------------------
fault=$(awk '
  length($0) < 67 || substr($0, 1, 64) ~ /[^0-9a-f]/ || substr($0, 65, 2) != "  " { print "line " NR " is malformed"; exit }
  { path = substr($0, 67) }
  path ~ /[^A-Za-z0-9._\/-]/ || path ~ /\/$/ || ("/" path) ~ /\/[\/-]/ || ("/" path "/") ~ /\/\.\.?\// {
    print "line " NR " names a path outside of the bundle"; exit }
  path == "MANIFEST" || path == "MANIFEST.sig" { print "it names itself"; exit }
  NR > 1 && path <= last { print "its lines are not sorted"; exit }
  { last = path }' MANIFEST)
[ -z "$fault" ] || bad MANIFEST "$fault"
cut -c 67- MANIFEST >"$scratch/named"
find . -type f | sed 's,^\./,,' | grep -v -x -e MANIFEST -e MANIFEST.sig | sort >"$scratch/found"
extra=$(awk 'NR == FNR { named[$0]; next } !($0 in named) { print; exit }' "$scratch/named" "$scratch/found")
[ -z "$extra" ] || bad "$extra" 'not named in MANIFEST'
missing=$(awk 'NR == FNR { found[$0]; next } !($0 in found) { print; exit }' "$scratch/found" "$scratch/named")
[ -z "$missing" ] || bad "$missing" 'missing'
sed 's,^,./,' "$scratch/named" | xargs openssl dgst -sha256 -r | sed 's, \*\./,  ,' >"$scratch/hashes"
changed=$(awk 'NR == FNR { line[NR] = $0; next } line[FNR] != $0 { print substr(line[FNR], 67); exit }' \
  MANIFEST "$scratch/hashes")
[ -z "$changed" ] || bad "$changed" 'its bytes are not those that were signed for'
cmp -s MANIFEST "$scratch/hashes" || bad MANIFEST 'its hashes are not those of the members'
good "MANIFEST: $(wc -l <MANIFEST | tr -d ' ') members, signed by sha256:$signer"

# KEYS is printed, for people to compare: it lists nothing but the keys that are here.
fault=$(awk '
  { time = "^[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]\\.[0-9][0-9][0-9]Z$" }
  $0 ~ /[^a-zA-Z0-9:. -]/ || NF != 5 || $1 !~ /^(statements|checkpoints)$/ || $4 !~ time || ($5 != "-" && $5 !~ time) {
    print "line " NR " is malformed"; exit }' keys/KEYS)
[ -z "$fault" ] || bad keys/KEYS "$fault"
while read -r purpose _ fingerprint _; do
  [ -f "keys/$purpose-${fingerprint#sha256:}.pem" ] || bad keys/KEYS "lists $fingerprint, which is not here"
done <keys/KEYS

# SHA-256 of a member, as MANIFEST has it.
hash_of() { awk -v path="$1" 'substr($0, 67) == path { print substr($0, 1, 64) }' MANIFEST; }

# --- Statements: DSSE signatures over bytes that are put together here ------------------------------------------------
payload_type=application/vnd.in-toto+json
finished=$(sed -n 's/^.*"times":{[^}]*"finished":"\([^"]*\)"}.*$/\1/p' statements/run.json 2>/dev/null)
for bundle in statements/*.sigstore.json; do
  base=${bundle%.sigstore.json}
  [ -f "$base.json" ] || bad "$base.json" 'missing'
  [ -f "$base.sig" ] || bad "$base.sig" 'missing'
  hint=$(sed -n 's/^.*"publicKey":{"hint":"\([0-9a-f]*\)"}.*$/\1/p' "$bundle")
  key=keys/statements-$hint.pem
  [ -f "$key" ] || bad "$bundle" 'signed by a key that is not in the bundle'
  in_use "$hint" "$finished" || bad "$bundle" "signed at $finished, when the key sha256:$hint was not in use"
  length=$(wc -c <"$base.json" | tr -d ' ')
  { printf 'DSSEv1 %s %s %s ' ${#payload_type} $payload_type "$length"; cat "$base.json"; } |
    openssl dgst -sha256 -verify "$key" -signature "$base.sig" >/dev/null 2>&1 ||
    bad "$bundle" 'its signature does not hold'
  {
    printf '{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":"'
    printf '%s"},"timestampVerificationData":{}},"dsseEnvelope":{"payload":"' "$hint"
    openssl base64 -A -in "$base.json"
    printf '","payloadType":"%s","signatures":[{"sig":"' $payload_type
    openssl base64 -A -in "$base.sig"
    printf '"}]}}\n'
  } | cmp -s - "$bundle" || bad "$bundle" 'it is not made of the payload and the signature beside it'

  case $(cat "$base.json") in
    '{"_type":"https://in-toto.io/Statement/v1","subject":[{'*) ;;
    *) bad "$base.json" 'not an in-toto statement' ;;
  esac
  predicate=$(sed -n 's/^.*],"predicateType":"\([^"]*\)","predicate":.*$/\1/p' "$base.json")
  [ -n "$predicate" ] || bad "$base.json" 'a statement without a predicate type'
  # One subject a line; the payload itself does not end with a newline.
  { sed 's/^{"_type":"[^"]*","subject":\[\([^]]*\)\].*$/\1/' "$base.json"; echo; } |
    sed -e '/^$/d' -e "s/},{/}\\$newline{/g" >"$scratch/listed"
  sed -n 's/^{"name":"\([^" ]*\)","digest":{"sha256":"\([0-9a-f]*\)"}}$/\1 \2/p' "$scratch/listed" >"$scratch/subjects"
  cmp -s "$scratch/listed" - <<EOF || bad "$base.json" 'not about things with a SHA-256'
$(sed 's/^\(.*\) \(.*\)$/{"name":"\1","digest":{"sha256":"\2"}}/' "$scratch/subjects")
EOF
  about=
  while read -r subject digest; do
    [ ${#digest} -eq 64 ] || bad "$base.json" "its subject $subject has no SHA-256"
    about="$about $subject"
    own=$(hash_of "$subject")
    case $own in
      "$digest") ;;
      '') case $subject in run/* | approvals/*) bad "$subject" "missing; $base.json is about it" ;; esac ;;
      *) bad "$subject" "not what $base.json is about" ;;
    esac
  done <"$scratch/subjects"
  good "$base: $predicate, about$about"
done
grep -q '"subject":\[{"name":"run/manifest.json",' statements/run.json ||
  bad statements/run.json 'not about run/manifest.json'
for file in artifacts/*; do
  [ -f "$file" ] || continue
  grep -q "\"$(hash_of "$file")\"" run/manifest.json || bad "$file" 'run/manifest.json does not name it'
done

# --- Audit events: in the tree of the checkpoint, which is signed -----------------------------------------------------
note=audit/checkpoint
origin=$(sed -n 1p $note)
size=$(sed -n 2p $note)
root=$(sed -n 3p $note)
case $origin in fairway/[a-z]*) ;; *) bad $note 'not of an organization' ;; esac
organization=${origin#fairway/}
case $organization in *[!a-z0-9-]*) bad $note 'not of an organization' ;; esac
case $size in '' | *[!0-9]* | 0*) bad $note 'no size' ;; esac
[ ${#size} -le 15 ] || bad $note 'no size'
awk '$0 == "" { exit } { print }' $note >"$scratch/note"
# A signature follows the four bytes that name its key.
sed -n "s,^— $origin ,,p" $note >"$scratch/signatures"
checkpoint_key=
for key in keys/checkpoints-*.pem; do
  [ -f "$key" ] || bad $note 'the bundle has no key for checkpoints'
  {
    printf '%s\n\001' "$origin"
    openssl pkey -pubin -in "$key" -outform DER | tail -c 32
  } | openssl dgst -sha256 -binary | dd bs=1 count=4 2>/dev/null >"$scratch/id"
  while read -r signature; do
    printf '%s\n' "$signature" | openssl base64 -d -A >"$scratch/signature" 2>/dev/null
    dd bs=1 count=4 2>/dev/null <"$scratch/signature" | cmp -s - "$scratch/id" || continue
    tail -c +5 "$scratch/signature" >"$scratch/signature.raw"
    openssl pkeyutl -verify -pubin -inkey "$key" -rawin -in "$scratch/note" -sigfile "$scratch/signature.raw" \
      >/dev/null 2>&1 && checkpoint_key=$key
  done <"$scratch/signatures"
done
[ -n "$checkpoint_key" ] || bad $note 'no signature of it is of one of the keys'

binary() { printf '%s\n' "$1" | openssl base64 -d; }
node() { { printf '\001'; binary "$1"; binary "$2"; } | openssl dgst -sha256 -binary | openssl base64; }
# verify_inclusion HASH INDEX PROOF: RFC 9162, section 2.1.3.2
verify_inclusion() {
  hash=$1
  fn=$2
  sn=$((size - 1))
  [ "$fn" -le "$sn" ] || return 1
  while read -r sibling; do
    [ "$sn" -gt 0 ] || return 1
    if [ $((fn & 1)) -eq 1 ] || [ "$fn" -eq "$sn" ]; then
      hash=$(node "$sibling" "$hash")
      while [ $((fn & 1)) -eq 0 ] && [ "$fn" -ne 0 ]; do fn=$((fn >> 1)) sn=$((sn >> 1)); done
    else
      hash=$(node "$hash" "$sibling")
    fi
    fn=$((fn >> 1)) sn=$((sn >> 1))
  done <"$3"
  [ "$sn" -eq 0 ] && [ "$hash" = "$root" ]
}
events=0
for event in audit/*.json; do
  [ -f "$event" ] || bad audit 'no events'
  proof=${event%.json}.tlog-proof
  [ -f "$proof" ] || bad "$proof" 'missing'
  index=${event#audit/}
  index=${index%.json}
  case $index in *[!0-9]* | 0?*) bad "$event" 'not named by its index' ;; esac
  { printf 'c2sp.org/tlog-proof@v1\nindex %s\n' "$index"; } >"$scratch/proof"
  awk 'NR > 2 { if ($0 == "") exit; print }' "$proof" >"$scratch/siblings"
  { cat "$scratch/proof" "$scratch/siblings"; printf '\n'; cat $note; } | cmp -s - "$proof" ||
    bad "$proof" 'not a proof for this event and checkpoint'
  leaf=$({ printf '\000'; cat "$event"; } | openssl dgst -sha256 -binary | openssl base64)
  verify_inclusion "$leaf" "$index" "$scratch/siblings" || bad "$event" "not in the tree of $note"
  events=$((events + 1))
done

# --- The run's last event names its manifest and its statements -------------------------------------------------------
run=$(sed -n 's/^.*,"predicate":{"run":{"id":"\([0-9a-f-]*\)".*$/\1/p' statements/run.json)
[ -n "$run" ] || bad statements/run.json 'does not say which run it is about'
# Canonical JSON: what an event is begins it, and whose it is ends it.
grep -l "^{\"action\":\"run.end\",.*,\"subject\":{\"id\":\"$run\",\"kind\":\"run\"}}\$" audit/*.json >"$scratch/ends"
case $(wc -l <"$scratch/ends" | tr -d ' ') in
  1) ;;
  0) bad audit 'no event that ends the run' ;;
  *) bad audit 'more than one event that ends the run' ;;
esac
end=$(cat "$scratch/ends")
grep -q ",\"organization\":\"$organization\"," "$end" || bad $note "of $origin, and the run is of another organization"
grep -q "\"manifest\":\"$(hash_of run/manifest.json)\"" "$end" || bad run/manifest.json "not the one that $end names"
for bundle in statements/*.sigstore.json; do
  name=${bundle#statements/}
  grep -q "\"${name%.sigstore.json}\":\"$(hash_of "$bundle")\"" "$end" || bad "$bundle" "not the one that $end names"
done
sed -n 's/^.*"statements":{\([^}]*\)}.*$/\1/p' "$end" | tr ',' '\n' | sed 's/^"\([^"]*\)":.*$/\1/' >"$scratch/signed"
while read -r name; do
  [ -f "statements/$name.sigstore.json" ] || bad "statements/$name.sigstore.json" "missing; $end names it"
done <"$scratch/signed"
good "audit: $events events in the tree of $origin, $size events in all"

printf '\nKeys'
[ -n "$pins" ] || printf ' (compare with what `fairway evidence keys` says)'
printf ':\n'
cat keys/KEYS
printf '\nThe bundle holds. What it does not hold, COMPLETENESS.json says.\n'
