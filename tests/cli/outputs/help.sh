# shellcheck shell=sh disable=SC2086 # word splitting is wanted
# Every help, and the lines that point to it.
show marquee
show marquee --help
show marquee --version
show marquee nosuch
show marquee --verbose --help
show infer --version
show infer --help
show infer
for command in init train export rollback prune infer similar top serve predict rebuild eval info; do
    show marquee $command --help
    show marquee $command --nosuch
done
show marquee export --index list
export MARQUEE_REDIS=redis://:secret@127.0.0.1:1
show marquee serve --redis redis://:secret@127.0.0.1:1
unset MARQUEE_REDIS
for wrong in 'init' 'init a b' 'init nosuch' 'train' 'train --data D' 'train --data D --out O --split sideways' 'export' 'predict --model M --store S' 'rebuild' \
    'rebuild --data D --redis nobody@host' 'eval' 'info' 'info a b' 'info nosuch' 'similar' 'similar 1 2' 'rollback a b'; do
    show marquee $wrong
done
# Each number's least and most stand in what is said of a wrong one.
for option in train:epochs train:batch train:lr train:l2 train:seed train:threads train:test train:checkpoint export:recall prune:keep \
    infer:top infer:user serve:memory serve:workers serve:connections rebuild:epochs rebuild:recall rebuild:min-recall \
    rebuild:max-shrink rebuild:keep rebuild:warm rebuild:test rebuild:seed rebuild:threads eval:seeds eval:seed \
    eval:threads; do
    show marquee "${option%:*}" "--${option#*:}" x
done
show marquee similar 1 --top x
