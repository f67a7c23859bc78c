# exclude-translations.sh "LANGUAGES": dpkg settings that leave out every other translation of Odoo
addons='/usr/lib/python3/dist-packages/odoo/addons'
for folder in "$addons/*/i18n" "$addons/*/i18n_extra" "${addons%/*}/addons/base/i18n"; do
  echo "path-exclude=$folder/*.po"
  for language in $1; do echo "path-include=$folder/$language.po"; done
done
