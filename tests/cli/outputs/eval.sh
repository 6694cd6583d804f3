# shellcheck shell=sh disable=SC2086 # word splitting is wanted
# Tables and documents of each protocol: a tenth of the sample's people, two who learn, one who predicts stars, all baselines.
mkdir small
cp sample/movies.dat small
awk -F:: '$1 <= 400 && $1 % 2' sample/users.dat >small/users.dat
awk -F:: '$1 <= 400 && $1 % 2' sample/ratings.dat >small/ratings.dat
ask() { show marquee eval --data small --threads 2 "$@"; }
ask --protocol all --model retrieval,mf-bias --baselines bias,random,popular,ease
ask --protocol all --model retrieval,mf-bias --baselines bias,popular --seed 3 --seeds 2 --json
ask --model none
ask --part valid --baselines itemknn,popular
ask --part valid --baselines none --json
ask --protocol rating --model mf-dot,mf-bias --seeds 3
ask --protocol cold-items --model none --baselines popular,random --schema ml-1m

ask --protocol last,next --model retrieval --baselines popular,ease --compare retrieval,popular --k 1,10
ask --protocol last --part valid --model none --baselines itemknn,random --compare itemknn,random --json
awk -F:: '$3 > 2 { print $1, $2 >(NR % 5 ? "train" : "test") }' small/ratings.dat
show marquee eval --train train --test test --model none --baselines popular,itemknn --threads 2

# A trained model, and the store that serves one.
show marquee train --data small --out r.mrq --test 0.2 --seed 7 --threads 2 --split user
show marquee train --data small --out m.mrq --test 0.2 --seed 8 --threads 2 --model mf-bias --epochs 2
show marquee export --model r.mrq --store S --index Flat
ask --model r.mrq,m.mrq
ask --model r.mrq,m.mrq --store S --baselines bias --json
ask --store S --baselines none

# An index that answers another way than its model.
show marquee export --model r.mrq --store S --index SQ4
ask --store S --baselines none
ask --store S --baselines none --json

# What nobody can judge.
ask --model none --baselines none
ask --protocol rating --model retrieval,mf-bias
ask --protocol rating --model mf-bias --baselines ease
ask --protocol topn --model none --baselines bias
ask --protocol all --model none --baselines bias,popular,none
ask --protocol topn,nosuch
ask --baselines nosuch
ask --part train
ask --part valid --protocol topn,time
ask --part valid --protocol rating
ask --part valid --protocol cold-users
ask --part valid --protocol cold-items
ask --part test --protocol time --model none --baselines random
ask --model r.mrq --protocol topn
ask --model r.mrq --part test
ask --model r.mrq --seeds 2
ask --model r.mrq --seed 2
ask --store S --seed 0
ask --model retrieval,r.mrq
ask --model r.mrq,retrieval
ask --model retrieval --store S
ask --model nosuch.mrq
ask --model .mrq
ask --store nosuch --json
ask --json --protocol nosuch
ask --schema nosuch
ask --compare retrieval
ask --compare retrieval,nosuch
ask --k 5,0
ask --k 10,5
show marquee eval --train train
show marquee eval --train train --test test --part valid
many=mf-dot,mf-dot,mf-dot,mf-dot,mf-dot,mf-dot,mf-dot,mf-dot,mf-dot,mf-dot,mf-dot
ask --protocol rating --baselines none --model $many,mf-dot,mf-dot
ask --model $many,mf-dot --store S
mkdir few
head -n 4 small/ratings.dat >few/ratings.dat
cp small/users.dat small/movies.dat few
show marquee eval --data few --protocol all --model none --baselines popular
show marquee eval --data few --protocol topn,cold-items --model none

# People of whom nothing is known are in no group.
mkdir unknown
{
    echo movieId,title,genres
    sed 's/::/\t/g' small/movies.dat | iconv -f latin1 -t utf-8 | awk -F '\t' '{ printf "%s,\"%s\",%s\n", $1, $2, $3 }'
} >unknown/movies.csv
{
    echo userId,movieId,rating,timestamp
    sed 's/::/,/g' small/ratings.dat
} >unknown/ratings.csv
show marquee eval --data unknown --model none --baselines popular

# Twenty people are a group of which an interval tells something; nineteen are not.
mkdir twenty
cp sample/movies.dat twenty
groups() { marquee eval --data twenty --threads 2 --model none --baselines popular | grep male; }
for people in 20 19; do
    awk -F:: -v people=$people '$2 == "F" && ++f > 60 && f <= 60 + people || $2 == "M" && ++m <= 100' sample/users.dat >twenty/users.dat
    awk -F:: 'NR == FNR { user[$1] = 1; next } $1 in user' twenty/users.dat sample/ratings.dat >twenty/ratings.dat
    show groups
done
