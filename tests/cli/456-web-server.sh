#!/usr/bin/env bash
# The shipped policy web-server over a host of nginx, Apache and a PHP application.
# shellcheck source=tests/cli/policy_tree.sh
. "$TESTS/cli/policy_tree.sh"

make_web
take web-server
in_order logs configuration application sessions temporary persistence file-system
has logs full /var/log/nginx/access.log /var/log/nginx/access.log.2.gz /var/log/apache2/error.log /var/log/php8.2-fpm.log /var/www/shop/logs/app.log
has configuration full /etc/nginx/nginx.conf /etc/nginx/sites-enabled/shop /etc/apache2/sites-enabled/000-default.conf \
	/etc/php/8.2/fpm/pool.d/www.conf /etc/letsencrypt/live/shop/privkey.pem /var/www/shop/public/.htaccess
has application full /var/www/shop/public/index.php /var/www/shop/public/uploads/shell.php /var/www/shop/.env \
	/var/www/html/wp-content/plugins/x.php /home/bob/public_html/index.php /srv/www/other/index.html /usr/lib/cgi-bin/old.cgi
is excluded application /var/www/shop/node_modules /var/www/shop/var/cache /var/www/html/wp-content/cache
has sessions metadata /var/lib/php/sessions/sess_abc
has temporary full /tmp/phpA1b2C3 /dev/shm/x
has persistence full /var/spool/cron/crontabs/www-data /var/www/.bash_history /etc/passwd
has file-system metadata /var/www/shop/node_modules/left/index.js /var/www/shop/public/uploads/shell.php
