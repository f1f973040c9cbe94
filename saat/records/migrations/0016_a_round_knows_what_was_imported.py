from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("records", "0015_find_what_people_decided"),
    ]

    operations = [
        migrations.AddField(
            model_name="round",
            name="source_digest",
            field=models.CharField(blank=True, default="", max_length=64),
        ),
    ]
